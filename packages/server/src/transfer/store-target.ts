import {
  type ChangeResult,
  type Runtime,
  type SpaceId,
  toHex,
  type WriteChange,
} from "@synchro/core";
import { StartError } from "../config/start-error.ts";
import type { Store } from "../store/store.ts";
import type { ImportTarget, OutgoingChange, SentResult } from "./outgoing-change.ts";

const resultOf = (result: ChangeResult): SentResult => {
  if (result.kind === "rejected") return { kind: "rejected", ...result.rejection };
  return { kind: result.kind === "superseded" ? "superseded" : "applied", seq: result.seq };
};

const writesOf = (changes: readonly OutgoingChange[]): readonly WriteChange[] =>
  changes.map(({ write }) => {
    if (write === null) throw new Error("a change of an undeclared collection reached the store");
    return write;
  });

/** Brings changes into a store of this process. Closing the target closes the store. */
export const createStoreTarget = async (deps: {
  readonly store: Store;
  readonly space: SpaceId;
  readonly runtime: Pick<Runtime, "now" | "randomBytes">;
  /** What a failed push amounts to. */
  readonly failureOf: (error: unknown) => unknown;
}): Promise<ImportTarget> => {
  const { store, space, runtime } = deps;
  const clientId = `import_${toHex(runtime.randomBytes(8))}`;
  const push = async (writes: readonly WriteChange[]): Promise<readonly ChangeResult[]> => {
    const outcome = await store.push({
      space,
      changes: writes,
      checksClocks: true,
      clientId,
      now: runtime.now(),
    });
    if (outcome.kind === "committed") return outcome.results;
    throw new StartError(
      "no room is left for the rows: on the disk, or in what the space may hold",
    );
  };
  return {
    head: (await store.describeSpace(space))?.head ?? 0,
    send: async (changes) => {
      const writes = writesOf(changes);
      const results: SentResult[] = [];
      try {
        // An outcome may be of the first of the changes only: what follows has not been judged.
        while (results.length < writes.length) {
          results.push(...(await push(writes.slice(results.length))).map(resultOf));
        }
      } catch (error) {
        throw deps.failureOf(error);
      }
      return results;
    },
    close: () => store.close(),
  };
};
