import {
  type Ack,
  type ChangeResult,
  encodeAck,
  type PushChange,
  type Runtime,
  type Seq,
  type SpaceId,
  type Stamp,
  type StoredRecord,
} from "@synchro/core";
import type { Hub } from "../live/hub.ts";
import type { Metrics } from "../metrics.ts";
import type { Store } from "../store/store.ts";

export type PushInput = {
  readonly space: SpaceId;
  readonly clientId: string | null;
  readonly changes: readonly PushChange[];
  readonly checksClocks: boolean;
};

export type PushAnswer =
  | {
      readonly kind: "committed";
      readonly results: readonly ChangeResult[];
      readonly lostTo: readonly StoredRecord[];
      readonly ack: Ack;
      /** The head that this push left. */
      readonly head: Seq;
      readonly now: Stamp;
    }
  | { readonly kind: "full" };

export type Push = (input: PushInput) => Promise<PushAnswer>;

/** Makes changes durable, then wakes who listens to the space. Spec: PUSH-*. */
export const createPush =
  (deps: {
    readonly store: Store;
    readonly runtime: Runtime;
    readonly hub: Pick<Hub<unknown>, "announce">;
    readonly metrics: Metrics;
  }): Push =>
  async (input) => {
    const now = deps.runtime.now();
    const outcome = await deps.store.push({ ...input, now });
    deps.metrics.countPush(outcome.kind);
    if (outcome.kind === "full") return outcome;
    if (outcome.changed > 0) deps.hub.announce(input.space);
    for (const result of outcome.results) deps.metrics.countResult(result.kind);
    const { results, lostTo } = outcome;
    return {
      kind: "committed",
      results,
      lostTo,
      ack: encodeAck(outcome.position),
      head: outcome.position.seq,
      now,
    };
  };
