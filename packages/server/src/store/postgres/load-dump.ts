import { type Epoch, listEpoch, type SpaceId, type StoredRecord } from "@synchro/core";
import { copyRows, type CopyValue } from "../../postgres/copy-rows.ts";
import type { PostgresConnection } from "../../postgres/postgres-connection.ts";
import type { DataDump } from "../data-dump.ts";
import { HASH_DIGITS } from "./kept-evidence.ts";
import { digestsToColumn, epochsToColumn } from "./space-row.ts";

/** The era in which spaces begin. */
const ERA = 0;

const VERSION = [
  "collection",
  "key",
  "seq",
  "stamp",
  "author_verified",
  "author",
  "field_state",
  "value",
];

const versionOf = (record: StoredRecord): readonly CopyValue[] => {
  const { collection, key, seq, stamp, author, fieldState, value } = record;
  return [
    collection,
    key,
    seq,
    stamp,
    author?.verified ?? null,
    author?.name ?? null,
    fieldState,
    value,
  ];
};

function* map<From, To>(rows: Iterable<From>, to: (row: From) => To): Generator<To> {
  for (const row of rows) yield to(row);
}

/** The greatest number of what is kept, by space. */
class Numbers {
  readonly #bySpace = new Map<SpaceId, number>();

  note<Kept extends { readonly space: SpaceId; readonly n: number }>(kept: Kept): Kept {
    this.#bySpace.set(kept.space, Math.max(this.of(kept.space), kept.n));
    return kept;
  }

  of(space: SpaceId): number {
    return this.#bySpace.get(space) ?? 0;
  }
}

export type LoadedCounts = {
  readonly records: number;
  readonly history: number;
  readonly evidence: number;
  readonly rejections: number;
};

const evidenceColumns =
  "space era n collection key stamp value_hash reason kept_at client_id author_verified author value".split(
    " ",
  );

type Loading = {
  readonly connection: PostgresConnection;
  readonly dump: DataDump;
  /** Told of records as they are written. */
  readonly onRecords: (count: number) => void;
};

const loadVersions = async ({
  connection,
  dump,
  onRecords,
}: Loading): Promise<Pick<LoadedCounts, "records" | "history">> => {
  const columns = ["space", "era", ...VERSION];
  const records = await copyRows(
    connection,
    { table: "records", columns: [...columns, "buried_at"] },
    map(dump.records(), ({ space, record, buriedAt }) => [
      space,
      ERA,
      ...versionOf(record),
      buriedAt,
    ]),
    onRecords,
  );
  const history = await copyRows(
    connection,
    { table: "history", columns },
    map(dump.history(), ({ space, record }) => [space, ERA, ...versionOf(record)]),
  );
  return { records, history };
};

const loadKept = async (
  { connection, dump }: Loading,
  numbers: Numbers,
): Promise<Pick<LoadedCounts, "evidence" | "rejections">> => {
  const evidence = await copyRows(
    connection,
    {
      table: "evidence",
      columns: evidenceColumns,
    },
    map(dump.evidence(), (kept) => {
      const { space, n, collection, key, stamp, valueHash, reason, keptAt } = numbers.note(kept);
      const { clientId, author, value } = kept;
      const hash = valueHash.slice(0, HASH_DIGITS);
      const by = [author?.verified ?? null, author?.name ?? null];
      return [space, ERA, n, collection, key, stamp, hash, reason, keptAt, clientId, ...by, value];
    }),
  );
  const rejections = await copyRows(
    connection,
    {
      table: "rejections",
      columns: ["space", "era", "n", "fingerprint", "kept_at", "client_id", "rejection", "body"],
    },
    map(dump.rejections(), (kept) => {
      const { space, n, fingerprint, keptAt, clientId, rejection, body } = numbers.note(kept);
      const told = fingerprint.slice(0, HASH_DIGITS);
      return [space, ERA, n, told, keptAt, clientId, JSON.stringify(rejection), body];
    }),
  );
  return { evidence, rejections };
};

/**
 * Takes a dump over into tables that are empty, with its seqs, in the transaction that a connection
 * is in, as the role that owns the tables. Each space goes on in its life, and lists `epoch` at its
 * head: every cursor and ack that was valid stays so.
 */
export const loadDump = async (loading: Loading, epoch: Epoch): Promise<LoadedCounts> => {
  const { connection, dump } = loading;
  const numbers = new Numbers();
  const versions = await loadVersions(loading);
  const kept = await loadKept(loading, numbers);
  await copyRows(
    connection,
    { table: "declared", columns: ["collection"] },
    dump.declared.map((name) => [name]),
  );
  await copyRows(
    connection,
    {
      table: "spaces",
      columns: ["space", "era", "head", "floor", "cutoff", "kept", "digests", "epochs"],
    },
    map(dump.spaces, ({ space, state }) => [
      space,
      ERA,
      state.head,
      state.floor,
      state.cutoff,
      numbers.of(space),
      digestsToColumn(state.digests),
      epochsToColumn(listEpoch(state.epochs, epoch, state.head)),
    ]),
  );
  return { ...versions, ...kept };
};
