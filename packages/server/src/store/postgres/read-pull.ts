import { type CollectionName, planPull, type PullPlan, type SpaceId } from "@synchro/core";
import type { PostgresReader } from "../../postgres/postgres-transaction.ts";
import { answerPull } from "../answer-pull.ts";
import type { PullOutcome, StorePull } from "../store.ts";
import { type PageRange, pageStatement } from "./page-statement.ts";
import { recordFromRow, type RecordRow } from "./record-row.ts";
import { load, loadDeclared } from "./space-tables.ts";

const namedBy = (
  request: StorePull,
  declared: readonly CollectionName[],
): readonly CollectionName[] =>
  request.collections === null
    ? declared
    : declared.filter((name) => request.collections?.includes(name));

/** What a pull reads unless it is answered with a reset: known before anything of the space is. */
const expectedRange = (request: StorePull, declared: readonly CollectionName[]): PageRange => {
  const { cursor, tombstones, startMax = null } = request;
  const collections = namedBy(request, declared);
  if (cursor === null || cursor === "invalid") {
    return { collections, after: 0, tombstonesAfter: tombstones ? 0 : null, startMax };
  }
  const tombstonesAfter = tombstones ? 0 : (cursor.start ?? 0);
  return { collections, after: cursor.seq, tombstonesAfter, startMax: null };
};

const isSameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((each, index) => each === b[index]);

const readRows = async (
  tx: PostgresReader,
  space: SpaceId,
  range: PageRange,
  request: StorePull,
): Promise<readonly RecordRow[]> => {
  const page = pageStatement(space, range, request);
  return page === null ? [] : tx.read<RecordRow>(page.statement, page.values);
};

/** A pull's answer, and what it was read from. */
export type ReadPull = {
  readonly outcome: PullOutcome;
  readonly plan: PullPlan;
  /** Whether the space exists there. */
  readonly isFound: boolean;
  /** As the database declares them: another node may have been opened with others since. */
  readonly declared: readonly CollectionName[];
};

/**
 * Answers a pull within one snapshot. The page is asked for together with the state that decides
 * what it is: one round trip, unless the answer is a reset, or another node has declared other
 * collections than `declared`; then two.
 */
export const readPull = async (
  tx: PostgresReader,
  request: StorePull,
  declared: readonly CollectionName[],
): Promise<ReadPull> => {
  const { space } = request;
  const expected = expectedRange(request, declared);
  const [loaded, names, found] = await Promise.all([
    load(tx, space),
    loadDeclared(tx),
    readRows(tx, space, expected, request),
  ]);
  const state = loaded?.state ?? null;
  const plan = planPull(state, request);
  const isAsExpected = plan.reset === null && isSameList(names, declared);
  const { after, tombstonesAfter } = plan;
  const range = { collections: namedBy(request, names), after, tombstonesAfter, startMax: null };
  const rows = isAsExpected || state === null ? found : await readRows(tx, space, range, request);
  const outcome = answerPull(state, request, names, () => rows.map(recordFromRow));
  return { outcome, plan, isFound: state !== null, declared: names };
};
