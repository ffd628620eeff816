import type { Runtime } from "@synchro/core";

const DRAW_MS = 100;
const LINE_MS = 10_000;
const BAR_WIDTH = 20;

export type ProgressView = {
  /** Draws one line in place of the last; null: nobody watches. */
  readonly draw: ((line: string) => void) | null;
  /** Tells one line; for who reads it later. */
  readonly complain: (line: string) => void;
};

/** 1234567 as `1,234,567`. */
export const formatCount = (count: number): string =>
  String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");

/** Milliseconds as `1:05`, or `2:01:05`. */
export const formatElapsed = (ms: number): string => {
  const seconds = Math.floor(ms / 1000);
  const pad = (part: number): string => String(part).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = pad(seconds % 60);
  return hours > 0 ? `${hours}:${pad(minutes)}:${rest}` : `${minutes}:${rest}`;
};

/**
 * Shows how far a long run is: a bar that is drawn again and again where somebody watches, else a
 * line every ten seconds.
 */
export class Progress {
  readonly #view: ProgressView;
  readonly #runtime: Pick<Runtime, "monotonicMs">;
  readonly #startedMs: number;
  #shownMs: number;
  #isDrawn = false;

  constructor(view: ProgressView, runtime: Pick<Runtime, "monotonicMs">) {
    this.#view = view;
    this.#runtime = runtime;
    this.#startedMs = runtime.monotonicMs();
    this.#shownMs = this.#startedMs;
  }

  get elapsedMs(): number {
    return this.#runtime.monotonicMs() - this.#startedMs;
  }

  /** `share` from 0 to 1; null: how much there is, is not known. */
  show(records: number, share: number | null): void {
    const now = this.#runtime.monotonicMs();
    const { draw, complain } = this.#view;
    if (now - this.#shownMs < (draw === null ? LINE_MS : DRAW_MS)) return;
    this.#shownMs = now;
    if (draw === null) complain(this.#line(records, share).trimStart());
    else {
      draw(this.#bar(share) + this.#line(records, share));
      this.#isDrawn = true;
    }
  }

  /** Takes the bar away, before anything else is told. */
  clear(): void {
    if (this.#isDrawn) this.#view.draw?.("");
    this.#isDrawn = false;
  }

  #bar(share: number | null): string {
    if (share === null) return "";
    const full = Math.round(Math.max(0, Math.min(1, share)) * BAR_WIDTH);
    return `[${"#".repeat(full)}${"-".repeat(BAR_WIDTH - full)}]`;
  }

  #line(records: number, share: number | null): string {
    const ms = this.elapsedMs;
    const rate = ms === 0 ? 0 : Math.round((records * 1000) / ms);
    const percent = share === null ? "" : ` ${Math.floor(Math.min(1, share) * 100)} %,`;
    return `${percent} ${formatCount(records)} records, ${formatCount(rate)}/s, ${formatElapsed(ms)}`;
  }
}
