import type { SpaceId } from "@synchro/core";
import type { PostgresPool } from "../../postgres/postgres-pool.ts";
import type { Statement } from "../../postgres/statement.ts";
import { computeDigests } from "./compute-digests.ts";
import { load } from "./space-tables.ts";

const greatestSeq: Statement = {
  name: "greatest_seq",
  text: `SELECT coalesce(max(seq), 0)::int8, count(*) - count(DISTINCT seq)
    FROM synchro.records WHERE space = $1 AND era = $2`,
};

/** Looks at one moment of a space's records against what the space tells of them; what is wrong, in words. */
export const examineRecords = (
  pool: Pick<PostgresPool, "read">,
  space: SpaceId,
): Promise<readonly string[]> =>
  pool.read({ space }, async (reader) => {
    const loaded = await load(reader, space);
    if (loaded === null) return [];
    const { state, era } = loaded;
    const names = [...state.digests.keys()];
    const [computed, [row]] = await Promise.all([
      computeDigests(reader, { space, era }, names),
      reader.read<[number, number]>(greatestSeq, [space, era]),
    ]);
    const [greatest, repeated] = row ?? [0, 0];
    const wrong = names.filter((name) => {
      const told = state.digests.get(name);
      const { count, sum } = computed.get(name) ?? { count: 0, sum: 0n };
      return told?.count !== count || told.sum !== sum;
    });
    return [
      ...wrong.map((name) => `the digest of ${name} in ${space} is not that of its records`),
      ...(greatest > state.head ? [`${space} has a seq ${greatest} above its head`] : []),
      ...(repeated > 0 ? [`${space} gives ${repeated} seqs twice`] : []),
    ];
  });
