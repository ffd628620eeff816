import {
  type CollectionName,
  type Epoch,
  lifeOfSpace,
  type Seq,
  type SpaceId,
  type Stamp,
} from "@synchro/core";
import type { PostgresPool } from "../../postgres/postgres-pool.ts";
import { EVERY_SPACE } from "../../postgres/space-policy.ts";
import type { Statement } from "../../postgres/statement.ts";
import { SPACE_COLUMNS, spaceFromRow, type SpaceRow } from "./space-row.ts";
import { loadDeclared } from "./space-tables.ts";

/** What a space is and holds, counted at one moment. */
export type InspectedSpace = {
  readonly space: SpaceId;
  readonly head: Seq;
  readonly floor: Seq;
  readonly cutoff: Stamp | null;
  readonly epoch: Epoch | null;
  readonly life: number;
  readonly epochs: number;
  readonly live: number;
  readonly tombstones: number;
  readonly history: number;
  readonly evidence: number;
  readonly rejections: number;
};

/** What a database of records holds, at one moment. */
export type InspectedDatabase = {
  readonly declared: readonly CollectionName[];
  readonly spaces: readonly InspectedSpace[];
  /** Bytes of our tables and their indexes on the disk. */
  readonly bytes: number;
};

const counted = (table: string, condition = "true"): string =>
  `(SELECT count(*) FROM synchro.${table} t WHERE t.space = s.space AND t.era = s.era AND ${condition})`;

const inspectSpaces: Statement = {
  name: "inspect_spaces",
  text: `SELECT ${SPACE_COLUMNS}, space, ${counted("records", "t.value IS NULL")},
    ${counted("history")}, ${counted("evidence")}, ${counted("rejections")}
    FROM synchro.spaces s ORDER BY space`,
};

type InspectedRow = readonly [
  ...SpaceRow,
  space: SpaceId,
  tombstones: number,
  history: number,
  evidence: number,
  rejections: number,
];

const measureTables: Statement = {
  name: "measure_tables",
  text: `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::int8 FROM pg_class c
    WHERE c.relnamespace = 'synchro'::regnamespace AND c.relkind = 'r'`,
};

const inspect = (row: InspectedRow): InspectedSpace => {
  const [era, head, floor, cutoff, kept, digests, epochs, space, ...counts] = row;
  const [tombstones, history, evidence, rejections] = counts;
  const { state } = spaceFromRow([era, head, floor, cutoff, kept, digests, epochs]);
  return {
    space,
    head,
    floor,
    cutoff,
    epoch: state.epochs.at(-1)?.epoch ?? null,
    life: lifeOfSpace(state.epochs),
    epochs: state.epochs.length,
    live: [...state.digests.values()].reduce((total, { count }) => total + count, 0),
    tombstones,
    history,
    evidence,
    rejections,
  };
};

/** Reads what a database holds, beside the servers over it. */
export const inspectPostgres = (pool: Pick<PostgresPool, "read">): Promise<InspectedDatabase> =>
  pool.read({ space: EVERY_SPACE }, async (reader) => {
    const [declared, rows, [size]] = await Promise.all([
      loadDeclared(reader),
      reader.read<InspectedRow>(inspectSpaces),
      reader.read<[number]>(measureTables),
    ]);
    return { declared, spaces: rows.map(inspect), bytes: size?.[0] ?? 0 };
  });
