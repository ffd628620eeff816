import type { Runtime } from "@synchro/core";
import type { Logger } from "pino";
import { StartError } from "../config/start-error.ts";
import { readKeyFile } from "./read-key-file.ts";
import { type KeySet, readKeys } from "./read-keys.ts";

/** Where the keys are kept. */
export type KeySource =
  | { readonly kind: "file"; readonly path: string }
  /** The JSON itself, out of the variable that `place` names. */
  | { readonly kind: "text"; readonly text: string; readonly place: string };

export type KeyRing = {
  /** The keys of this moment: another object exactly when they have changed. */
  readonly current: () => KeySet;
  /** Looks no more for changes. */
  readonly stop: () => void;
};

/** Milliseconds between looks at the file. */
const LOOK_MS = 3_000;

const textOf = (source: KeySource): Promise<string> =>
  source.kind === "file" ? readKeyFile(source.path) : Promise.resolve(source.text);

const nameOf = (source: KeySource): string => (source.kind === "file" ? source.path : source.place);

/** The keys as they are now, for one use. @throws StartError naming the place and the rule. */
export const loadKeys = async (source: KeySource): Promise<KeySet> =>
  readKeys(await textOf(source), nameOf(source));

/**
 * Keys that follow their file: read again when it changes, so that a rotation needs no restart. A
 * file that can't be used any more is told in the log, once, and the keys stay as they were.
 *
 * @throws StartError naming the place and the rule, where the keys can't be read at the start.
 */
export const openKeyRing = async (
  source: KeySource,
  deps: {
    readonly runtime: Pick<Runtime, "after">;
    readonly logger: Pick<Logger, "info" | "warn">;
  },
): Promise<KeyRing> => {
  let text = await textOf(source);
  let keys = await readKeys(text, nameOf(source));
  if (source.kind === "text") return { current: () => keys, stop: () => {} };
  let complaint: string | null = null;
  const look = async (): Promise<void> => {
    try {
      const found = await readKeyFile(source.path);
      if (found !== text) {
        keys = await readKeys(found, source.path);
        text = found;
        deps.logger.info({ keys: [...keys.byId.keys()] }, "the keys have changed");
      }
      complaint = null;
    } catch (error) {
      // Of others' errors the message may quote what they read.
      const reason = error instanceof StartError ? error.message : "it can't be read";
      if (reason !== complaint) {
        deps.logger.warn({ reason }, "the key file can't be used: the keys stay as they were");
      }
      complaint = reason;
    }
  };
  let isStopped = false;
  let cancel = (): void => {};
  const lookLater = (): void => {
    if (isStopped) return;
    cancel = deps.runtime.after(LOOK_MS, () => void look().then(lookLater));
  };
  lookLater();
  const stop = (): void => {
    isStopped = true;
    cancel();
  };
  return { current: () => keys, stop };
};
