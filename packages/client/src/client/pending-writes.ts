import type { EntryId } from "../store/outbox-entry.ts";
import type { WriteFate } from "../tabs/tab-channel.ts";
import { WriteRefusedError } from "./client-error.ts";

/** What the server made of a change that it took. */
export type Synced = {
  /** `merged`: it stands beside what others wrote. `superseded`: a later edit of somebody else's stands, and this one is kept by the server as evidence. */
  readonly outcome: "applied" | "merged" | "superseded";
};

type Waiting = {
  readonly resolve: (synced: Synced) => void;
  readonly reject: (error: Error) => void;
};

/** Whoever waits to hear what became of a change, in this tab and this life of it. */
export class PendingWrites {
  readonly #waiting = new Map<EntryId, Waiting[]>();

  wait(id: EntryId): Promise<Synced> {
    return new Promise((resolve, reject) => {
      const others = this.#waiting.get(id);
      if (others === undefined) this.#waiting.set(id, [{ resolve, reject }]);
      else others.push({ resolve, reject });
    });
  }

  settle(fate: WriteFate): void {
    const waiting = this.#waiting.get(fate.id) ?? [];
    this.#waiting.delete(fate.id);
    for (const { resolve, reject } of waiting) {
      const { kind } = fate;
      if (kind === "applied" || kind === "merged" || kind === "superseded") {
        resolve({ outcome: kind });
      } else reject(new WriteRefusedError(fate.id, fate.rejection ?? reasonOf(kind)));
    }
  }

  /** The client goes: the changes wait in the outbox, and nobody waits for them any more. */
  close(): void {
    const why = {
      code: "closed",
      message: "the client was closed first; the change waits in the outbox",
      path: "",
    };
    for (const [id, waiting] of this.#waiting) {
      for (const { reject } of waiting) reject(new WriteRefusedError(id, why));
    }
    this.#waiting.clear();
  }
}

const reasonOf = (kind: "refused" | "dropped" | "discarded") => ({
  code: kind,
  message: kind === "discarded" ? "the change was discarded" : "the change was refused",
  path: "",
});
