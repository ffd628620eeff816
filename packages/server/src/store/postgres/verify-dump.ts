import type { SpaceState } from "@synchro/core";
import type { PostgresReader } from "../../postgres/postgres-transaction.ts";
import type { Statement } from "../../postgres/statement.ts";
import type { DataDump } from "../data-dump.ts";
import { computeDigests } from "./compute-digests.ts";
import { digestsToColumn, type LoadedSpace } from "./space-row.ts";
import { listAll, load } from "./space-tables.ts";

const countRows: Statement = {
  name: "count_rows",
  text: ["records", "history", "evidence", "rejections"]
    .map((table) => `SELECT count(*) FROM synchro.${table}`)
    .join(" UNION ALL "),
};

const lengthOf = (rows: Iterable<unknown>): number => {
  let length = 0;
  for (const _ of rows) length += 1;
  return length;
};

/** What of a space's state is not as it was; null: nothing. */
const differenceOf = (
  state: SpaceState,
  found: LoadedSpace | null,
  counted: SpaceState["digests"],
): string | null => {
  if (found === null) return "is missing";
  const { head, floor, cutoff, digests } = found.state;
  if (head !== state.head || floor !== state.floor || cutoff !== state.cutoff)
    return "has another head";
  if (digestsToColumn(digests) !== digestsToColumn(state.digests)) return "has other digests";
  for (const [name, digest] of state.digests) {
    const own = counted.get(name) ?? { count: 0, sum: 0n };
    if (own.count !== digest.count || own.sum !== digest.sum)
      return `holds other records of ${name}`;
  }
  return null;
};

/**
 * Holds a database against a dump that it has taken over: its spaces, the digests of its records as
 * they are counted now, and how much of everything else there is. Answers the first difference, in
 * words; null: there is none.
 */
export const verifyDump = async (tx: PostgresReader, dump: DataDump): Promise<string | null> => {
  const names = await listAll(tx);
  if (names.length !== dump.spaces.length) return "it holds other spaces";
  for (const { space, state } of dump.spaces) {
    const found = await load(tx, space);
    const place = { space, era: found?.era ?? 0 };
    const counted = await computeDigests(tx, place, [...state.digests.keys()]);
    const difference = differenceOf(state, found, counted);
    if (difference !== null) return `${space} ${difference}`;
  }
  const counted = await tx.read<readonly [number]>(countRows);
  const expected = [dump.records(), dump.history(), dump.evidence(), dump.rejections()];
  const isWhole = expected.every((rows, index) => lengthOf(rows) === counted[index]?.[0]);
  return isWhole ? null : "it holds other rows";
};
