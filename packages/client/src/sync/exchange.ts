import { type Batch, freezeBatch, releaseBatch } from "../outbox/freeze-batch.ts";
import { dropOffers } from "../outbox/offer.ts";
import { settleBatch, type Settlement } from "../outbox/settle-batch.ts";
import type { ClientRuntime } from "../runtime/client-runtime.ts";
import type { ClientStore, StoreTransaction } from "../store/client-store.ts";
import { ClientStoreError } from "../store/client-store-error.ts";
import type { EntryId } from "../store/outbox-entry.ts";
import type { Page, Transport, TransportFailure } from "../transport/transport.ts";
import { type AnyAnswer, type Applied, applyAnswer, type AnswerContext } from "./apply-answer.ts";
import { changeText } from "./change-text.ts";
import { hasSendable } from "./has-sendable.ts";
import { type Place, placeNames, pullFrom, type RequestOptions, syncBody } from "./request-body.ts";

/** What one exchange came to. */
export type Step =
  /** Something was exchanged, and there may be more. `isIdle`: it brought nothing and took nothing away. */
  | { readonly kind: "went on"; readonly isIdle: boolean }
  /** Nothing is left to send or to read. */
  | { readonly kind: "up to date" }
  /** 403 to a push: what was to be sent stays, offers aside. */
  | { readonly kind: "may not write" }
  /** The store has no room for the answer: it is read again. */
  | { readonly kind: "full" }
  | { readonly kind: "failed"; readonly failure: Exclude<TransportFailure, { kind: "too_large" }> };

/** A stream came to its end, at either side, and there is nothing to mend. */
export type Closed = { readonly kind: "closed" };

/** What an exchange does in the store's transactions. */
export type ExchangeScripts = {
  readonly applyAnswer: typeof applyAnswer;
  readonly freezeBatch: typeof freezeBatch;
};

/** What a step of catching up needs to know. */
export type NextOptions = {
  /** False while the right to write is missing. */
  readonly pushes: boolean;
  readonly signal: AbortSignal;
  /** Records have arrived. */
  readonly onReceived: (count: number) => void;
};

export type ExchangeDeps = {
  readonly store: ClientStore;
  readonly transport: Transport;
  readonly runtime: ClientRuntime;
  /** Names, sorted; null: all. */
  readonly collections: readonly string[] | null;
  /** Changes in a request, and about how many bytes of them, at most. */
  readonly changesMax: number;
  readonly bytesMax: number;
  /** Records in a page; null: the server's own measure. */
  readonly limit: number | null;
  /** What goes along with each `sync` request for the server's operator; null: nothing. */
  readonly describeStatus: () => RequestOptions["status"];
  /** After each answer that was applied, once it is durable. */
  readonly onApplied: (applied: Extract<Applied, { kind: "applied" }>) => void;
  /** A change has gone to the dead letters although no answer was applied. */
  readonly onSettled: (settlements: readonly Settlement[]) => void;
  /** The real ones if absent: others are for trying out what a defect in them would do. */
  readonly scripts?: ExchangeScripts;
};

const tooLarge = {
  code: "value_too_large",
  message: "the change alone is larger than the server takes",
  path: "/value",
} as const;

/** How long an entry whose request was refused alone is put aside. */
const ASIDE_MS = 300_000;

const wentOn = (isIdle: boolean): Step => ({ kind: "went on", isIdle });

const isFull = (error: unknown): boolean =>
  error instanceof ClientStoreError && error.code === "full";

const unlessFull = async (step: () => Promise<Step>): Promise<Step> => {
  try {
    return await step();
  } catch (error) {
    if (isFull(error)) return { kind: "full" };
    throw error;
  }
};

/**
 * The verbs of the sync loop: each sends one request, or reads one stream, and applies what comes.
 * It decides nothing about when. Spec: CLIENT-*.
 */
export class Exchange {
  readonly #deps: ExchangeDeps;
  /** Halved at each 413 and at each refusal of a whole request, doubled again by answers. Spec: CLIENT-7. */
  #batchMax: number;
  /** Entries whose request the server could not even read, and until when they are put aside: they block no other, and one day it may read them. */
  readonly #asideUntilMs = new Map<EntryId, number>();

  constructor(deps: ExchangeDeps) {
    this.#deps = deps;
    this.#batchMax = deps.changesMax;
  }

  /** Whether the outbox holds something that could go out now. */
  hasSendable(): Promise<boolean> {
    return this.#deps.store.read((reader) => hasSendable(reader, this.#aside()));
  }

  /** One step towards having nothing left to send or to read. */
  next(options: NextOptions): Promise<Step> {
    return unlessFull(async () => {
      const pushed = options.pushes ? await this.#push({ pulls: true, ...options }) : null;
      if (pushed !== null) return pushed;
      const { cursor, run } = await this.#place();
      if (cursor === null || run !== null) return this.#readPages(options);
      return this.#pullPage(options);
    });
  }

  /** Sends what waits while a stream moves the cursor. */
  pushOnly(signal: AbortSignal): Promise<Step> {
    return unlessFull(async () => {
      const step = await this.#push({ pulls: false, signal, onReceived: () => {} });
      return step ?? { kind: "up to date" };
    });
  }

  /** Waits for a change for so many seconds. */
  longPoll(waitSeconds: number, signal: AbortSignal): Promise<Step> {
    return unlessFull(async () => {
      const place = await this.#place();
      const from = pullFrom(place, this.#options(true));
      const reply = await this.#deps.transport.pull(from, waitSeconds, signal);
      if (reply.kind !== "answered") return this.#failed(reply);
      return this.#applyPage(reply.answer, place, { measuresClock: false, pushes: true });
    });
  }

  /**
   * Applies a stream's events until it ends. If one can't be applied the stream is closed, and opened
   * again at the durable cursor. Spec: CLIENT-15.
   */
  async follow(signal: AbortSignal, onPage: () => void): Promise<Step | Closed> {
    const reader = this.#pageReader(await this.#place());
    const end = await this.#deps.transport.follow(
      reader.from,
      async (page) => {
        const goesOn = await reader.apply(page);
        if (goesOn) onPage();
        // A stream judges the ack that it was opened with, and none that came since. If it is quiet
        // and still behind what is held, it is opened again, with the ack of today.
        const isBehind = reader.isAhead && page.changes.length === 0;
        return goesOn && !isBehind ? "go on" : "stop";
      },
      signal,
    );
    if (reader.isFull) return { kind: "full" };
    return end.kind === "ended" || end.kind === "stopped" ? { kind: "closed" } : this.#failed(end);
  }

  async #readPages(options: NextOptions): Promise<Step> {
    const reader = this.#pageReader(await this.#place());
    let isIdle = true;
    const end = await this.#deps.transport.readPages(
      reader.from,
      async (page) => {
        const goesOn = await reader.apply(page);
        if (goesOn && page.changes.length > 0) isIdle = false;
        if (goesOn) options.onReceived(page.changes.length);
        return goesOn ? "go on" : "stop";
      },
      options.signal,
    );
    if (reader.isFull) return { kind: "full" };
    if (end.kind === "ended" || end.kind === "stopped") {
      return reader.isUpToDate ? this.#upToDate(options.pushes) : wentOn(isIdle);
    }
    return this.#failed(end);
  }

  /** The pages of one stream: they share a request, and what it was sent under. */
  #pageReader(place: Place) {
    const { generation, cursor } = place;
    const state = {
      from: pullFrom(place, this.#options(true)),
      isFull: false,
      isAhead: false,
      isUpToDate: false,
      apply: async (page: Page): Promise<boolean> => {
        const context = {
          sentUnder,
          // A space that is not there has no cursor: the first page of it reads from the beginning again.
          beginsRun: isAtNull && (isFirst || page.cursor !== null),
          isPush: false,
          measuresClock: false,
        };
        const applied = await this.#apply(page, context);
        if (applied === "full") state.isFull = true;
        if (applied === "full" || applied.kind === "ignored") return false;
        isFirst = false;
        isAtNull = page.cursor === null;
        sentUnder = applied.generation;
        state.isAhead = applied.isAhead;
        state.isUpToDate = applied.isUpToDate;
        return !applied.hasRestarted;
      },
    };
    let sentUnder = generation;
    let isFirst = true;
    let isAtNull = cursor === null;
    return state;
  }

  async #pullPage(options: NextOptions): Promise<Step> {
    const place = await this.#place();
    const body = syncBody(place, [], this.#options(true));
    const reply = await this.#deps.transport.sync(body, options.signal);
    if (reply.kind !== "answered") return this.#failed(reply);
    options.onReceived(reply.answer.changes.length);
    return this.#applyPage(reply.answer, place, { measuresClock: true, pushes: options.pushes });
  }

  async #applyPage(
    answer: AnyAnswer,
    place: Place,
    { measuresClock, pushes }: { readonly measuresClock: boolean; readonly pushes: boolean },
  ): Promise<Step> {
    const context = {
      sentUnder: place.generation,
      beginsRun: place.cursor === null,
      isPush: false,
      measuresClock,
    };
    const applied = await this.#apply(answer, context);
    if (applied === "full") return { kind: "full" };
    if (applied.kind === "ignored") return wentOn(true);
    if (applied.isUpToDate) return this.#upToDate(pushes);
    return wentOn(answer.changes.length === 0 && answer.reset === undefined);
  }

  /** Nothing more to read; offers may have been made of what was. */
  async #upToDate(pushes: boolean): Promise<Step> {
    return pushes && (await this.hasSendable()) ? wentOn(false) : { kind: "up to date" };
  }

  /** Sends the next changes; null: there are none that can go out now. */
  async #push(
    options: Omit<NextOptions, "pushes"> & { readonly pulls: boolean },
  ): Promise<Step | null> {
    const { store, transport } = this.#deps;
    const { pulls } = options;
    // Stamps are durable before the bytes leave: else two sends could make two changes of one edit.
    const { place, batch } = await store.transact(async (tx) => ({
      batch: await this.#freeze(tx),
      place: await tx.getMeta(placeNames),
    }));
    if (batch === null) return null;
    const changes = batch.entries.map((entry) => changeText(entry, batch.generation));
    const body = syncBody(place, changes, this.#options(pulls));
    const { signal } = options;
    const beside = pulls ? undefined : transport.push?.(body, signal);
    const reply = await (beside ?? transport.sync(body, signal));
    if (reply.kind !== "answered") return this.#pushFailed(reply, batch, options.signal);
    this.#batchMax = Math.min(this.#deps.changesMax, this.#batchMax * 2);
    options.onReceived(reply.answer.changes.length);
    const applied = await this.#apply(reply.answer, {
      sentUnder: place.generation,
      beginsRun: pulls && place.cursor === null,
      isPush: true,
      measuresClock: true,
    });
    if (applied === "full") return { kind: "full" };
    const isIdle = applied.kind === "ignored" || reply.answer.results.length === 0;
    if (applied.kind === "applied" && applied.isUpToDate) return this.#upToDate(true);
    return wentOn(isIdle);
  }

  async #freeze(tx: StoreTransaction): Promise<Batch | null> {
    const { clockOffsetMs } = await tx.getMeta(["clockOffsetMs"]);
    return (this.#deps.scripts?.freezeBatch ?? freezeBatch)(tx, {
      entriesMax: this.#batchMax,
      bytesMax: this.#deps.bytesMax,
      // A clock that was never measured counts as right.
      clockOffsetMs: clockOffsetMs ?? 0,
      aside: this.#aside(),
    });
  }

  #aside(): ReadonlyMap<EntryId, number> {
    const aside = this.#asideUntilMs;
    const now = this.#deps.runtime.monotonicMs();
    for (const [id, untilMs] of aside) if (untilMs <= now) aside.delete(id);
    return aside;
  }

  /** Gives the batch up for two of half its size. */
  async #halve(batch: Batch): Promise<Step> {
    this.#batchMax = Math.ceil(batch.entries.length / 2);
    await this.#deps.store.transact(releaseBatch);
    return wentOn(false);
  }

  /** The same request without a change, and without a page. */
  async #probe(signal: AbortSignal): Promise<{ readonly kind: string }> {
    return this.#deps.transport.sync(
      syncBody(await this.#place(), [], this.#options(false)),
      signal,
    );
  }

  async #pushFailed(failure: TransportFailure, batch: Batch, signal: AbortSignal): Promise<Step> {
    const { store } = this.#deps;
    const [first] = batch.entries;
    switch (failure.kind) {
      case "too_large":
        if (batch.entries.length > 1) return this.#halve(batch);
        return first === undefined ? this.#failed(failure) : this.#refuse();
      case "refused": {
        // Without changes too? Then it is not they that are to blame, and all of them wait.
        const probe = await this.#probe(signal);
        if (probe.kind !== "answered" || first === undefined) return this.#failed(failure);
        if (batch.entries.length > 1) return this.#halve(batch);
        // Not final, so it stays, and it must not stand in the way of the others.
        this.#asideUntilMs.set(first.id, this.#deps.runtime.monotonicMs() + ASIDE_MS);
        await store.transact(releaseBatch);
        return wentOn(false);
      }
      case "forbidden":
        await store.transact((tx) => dropOffers(tx));
        return { kind: "may not write" };
      default:
        return this.#failed(failure);
    }
  }

  /** A change that was too large alone: the one status that is final. Spec: CLIENT-6. */
  async #refuse(): Promise<Step> {
    const { store, runtime, onSettled } = this.#deps;
    const now = runtime.now();
    const { settlements } = await store.transact(async (tx) => {
      const { generation } = await tx.getMeta(["generation"]);
      const context = { generation, correctedNow: now, settledAt: now };
      return settleBatch(tx, [{ kind: "rejected", rejection: tooLarge }], context);
    });
    onSettled(settlements);
    return wentOn(false);
  }

  #failed(failure: TransportFailure): Step {
    return failure.kind === "too_large"
      ? { kind: "failed", failure: { kind: "unreachable", reason: "413 to a pull" } }
      : { kind: "failed", failure };
  }

  async #apply(
    answer: AnyAnswer,
    request: Omit<AnswerContext, "receivedAt">,
  ): Promise<Applied | "full"> {
    const { store, runtime, onApplied } = this.#deps;
    const context = { ...request, receivedAt: runtime.now() };
    // Pages would be read again after a power cut; what results settle would not be sent again.
    const durability = context.isPush ? "strict" : "relaxed";
    try {
      const applied = await store.transact(
        (tx) =>
          (this.#deps.scripts?.applyAnswer ?? applyAnswer)(tx, answer, context, runtime.sha256),
        durability,
      );
      if (applied.kind === "applied") onApplied(applied);
      return applied;
    } catch (error) {
      if (isFull(error)) return "full";
      throw error;
    }
  }

  #place(): Promise<Place> {
    return this.#deps.store.read((reader) => reader.getMeta(placeNames));
  }

  #options(pulls: boolean): RequestOptions {
    const { collections, limit, describeStatus } = this.#deps;
    return { collections, limit, pulls, status: describeStatus() };
  }
}
