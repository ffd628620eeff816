import type { SpaceId, SpaceState } from "@synchro/core";
import type { PostgresTransaction } from "../../postgres/postgres-transaction.ts";
import type { Statement } from "../../postgres/statement.ts";
import { bigintColumn, textColumn } from "./column-values.ts";
import {
  digestsToColumn,
  epochsToColumn,
  type LoadedSpace,
  SPACE_COLUMNS,
  spaceFromRow,
  type SpaceRow,
} from "./space-row.ts";
import { holdAll } from "./space-tables.ts";

/** Spaces that one statement reads and writes at most. */
const SPACES_MAX = 1_000;

type NamedSpaceRow = readonly [space: SpaceId, ...row: SpaceRow];

const lockSome: Statement = {
  name: "lock_some_spaces",
  text: `SELECT space, ${SPACE_COLUMNS} FROM synchro.spaces WHERE space > $1
    ORDER BY space LIMIT ${SPACES_MAX} FOR UPDATE`,
};

const saveStates: Statement = {
  name: "save_states",
  text: `UPDATE synchro.spaces AS present
    SET head = next.head, digests = next.digests, epochs = next.epochs
    FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[]) AS next (space, head, digests, epochs)
    WHERE present.space = next.space`,
};

/**
 * Changes the head, the epochs and the digests of every space in one transaction, by bounded
 * statements. Pushes to a space wait from when it is its turn. Answers how many spaces there are.
 */
export const changeSpaces = async (
  tx: PostgresTransaction,
  change: (space: SpaceId, before: LoadedSpace) => SpaceState | Promise<SpaceState>,
): Promise<number> => {
  await holdAll(tx);
  let count = 0;
  let after = "";
  for (;;) {
    const rows = await tx.read<NamedSpaceRow>(lockSome, [after]);
    const states: SpaceState[] = [];
    for (const [space, ...row] of rows) states.push(await change(space, spaceFromRow(row)));
    if (rows.length === 0) return count;
    const names = rows.map(([space]) => space);
    await tx.write(saveStates, [
      textColumn(names),
      bigintColumn(states.map(({ head }) => head)),
      textColumn(states.map(({ digests }) => digestsToColumn(digests))),
      textColumn(states.map(({ epochs }) => epochsToColumn(epochs))),
    ]);
    count += rows.length;
    after = names.at(-1) ?? after;
  }
};
