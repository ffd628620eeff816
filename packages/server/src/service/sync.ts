import {
  type Ack,
  decodeAck,
  decodeCursor,
  type EpochPosition,
  headSeen,
  type PushChange,
  type StoredRecord,
} from "@synchro/core";
import type { Pull, PullAnswer, PullInput } from "./pull.ts";
import type { Push, PushAnswer, PushRefusal } from "./push.ts";

export type SyncInput = {
  readonly pull: PullInput;
  readonly clientId: string | null;
  readonly changes: readonly PushChange[];
  /** False: results only. */
  readonly pulls: boolean;
};

type Committed = Extract<PushAnswer, { kind: "committed" }>;

export type SyncAnswer =
  | {
      readonly kind: "answered";
      /** Null where the request had no changes. */
      readonly push: Committed | null;
      /** Null where the request asked for results only. */
      readonly pull: PullAnswer | null;
      /** The records that beat a change first, then the page by seq; no seq twice. */
      readonly records: readonly StoredRecord[];
    }
  | PushRefusal;

export type Sync = (input: SyncInput) => Promise<SyncAnswer>;

/** Up to where whoever asks has seen this server's data, by what it shows. */
const positionsOf = ({ cursor, ack }: PullInput): readonly EpochPosition[] => {
  const read = cursor === null ? null : decodeCursor(cursor);
  const acknowledged = ack === null ? null : decodeAck(ack);
  return [
    ...(read === null || read === "invalid" ? [] : [{ epoch: read.epoch, seq: headSeen(read) }]),
    ...(acknowledged === null || acknowledged === "invalid" ? [] : [acknowledged]),
  ];
};

const seqsTold = (push: Committed | null): ReadonlySet<number> =>
  new Set(push?.results.flatMap((result) => (result.kind === "applied" ? [result.seq] : [])));

const withLostTo = (
  push: Committed | null,
  page: readonly StoredRecord[],
): readonly StoredRecord[] => {
  if (push === null || push.lostTo.length === 0) return page;
  const inPage = new Set(page.map((record) => record.seq));
  return [...push.lostTo.filter((record) => !inPage.has(record.seq)), ...page];
};

/**
 * A push alone resets nobody, and must not hide that a reset is due either: an ack that is not valid
 * here stays with its holder until a pull judges it. Else the answer's ack would take its place, and
 * what a restore took from this server would never be offered.
 */
const withStandingAck = async (
  deps: { readonly pull: Pull },
  input: SyncInput,
  push: Committed,
): Promise<Committed> => {
  const { ack } = input.pull;
  if (ack === null) return push;
  const { reset } = await deps.pull({ ...input.pull, cursor: null, limit: 1 });
  return reset === null ? push : { ...push, ack: ack as Ack };
};

/**
 * One exchange: the changes first, then the page from a snapshot that includes them. A record is
 * left out of the page only if `results` of this very answer tells its seq. Spec: PUSH-*, PULL-*.
 */
export const createSync =
  (deps: { readonly push: Push; readonly pull: Pull }): Sync =>
  async (input) => {
    const { clientId, changes } = input;
    const { space } = input.pull;
    const push =
      changes.length === 0
        ? null
        : await deps.push({
            space,
            clientId,
            changes,
            checksClocks: true,
            positions: positionsOf(input.pull),
          });
    if (push !== null && push.kind !== "committed") return push;
    if (!input.pulls) {
      const standing = push === null ? null : await withStandingAck(deps, input, push);
      return { kind: "answered", push: standing, pull: null, records: withLostTo(push, []) };
    }
    const startMax = push === null ? {} : { startMax: push.head };
    const pull = await deps.pull({ ...input.pull, told: seqsTold(push), ...startMax });
    return { kind: "answered", push, pull, records: withLostTo(push, pull.records) };
  };
