import { DatabaseSync } from "node:sqlite";
import {
  addMicros,
  type CollectionName,
  type Digest,
  EMPTY_DIGEST,
  isCollectionName,
  isJsonObject,
  isSpaceId,
  isStorableText,
  lifeOf,
  parseFieldState,
  parseStamp,
  recordKeyProblem,
  replaceInDigest,
  type Runtime,
  type Seq,
  type SpaceId,
  type Stamp,
} from "@synchro/core";
import { checkDatabase, migrateDatabase } from "./prepare-database.ts";
import { prepareRows } from "./row-statement.ts";
import { type DatabaseSchema, recordSchema } from "./schema.ts";
import { createSpaceLister, createSpaceLoader, type LoadedSpace } from "./space-table.ts";
import { StoreOpenError } from "./store-open-error.ts";
import { holdsErased } from "./upkeep-writer.ts";

/** One thing that was looked at. */
export type Examination = {
  readonly check: string;
  /** What was found to be right, in a few words. */
  readonly looked: string;
  /** The first few of what is wrong. */
  readonly problems: readonly string[];
  /** What is not as it should be, and harms nobody yet. */
  readonly warnings: readonly string[];
};

/** Problems of one kind that are told. */
const TOLD_MAX = 3;

class Problems {
  readonly #told: string[] = [];
  #count = 0;

  add(problem: string): void {
    this.#count += 1;
    if (this.#told.length < TOLD_MAX) this.#told.push(problem);
  }

  list(): readonly string[] {
    const more = this.#count - this.#told.length;
    return more === 0 ? this.#told : [...this.#told, `and ${more} more`];
  }
}

/** Whether a file is ours and of a version that this program knows. @throws StoreOpenError */
export const examineFile = (
  database: DatabaseSync,
  path: string,
  schema: DatabaseSchema = recordSchema,
): void => {
  checkDatabase(database, path, schema);
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (version === 0) throw new StoreOpenError("foreign_file", `${path} is an empty database`);
  if (version < schema.migrations.length) {
    throw new StoreOpenError(
      "older_schema",
      `${path} is of an older Synchro (schema ${version}; this one reads ${schema.migrations.length}): run synchro migrate`,
    );
  }
};

/** The collections that the last opening declared. */
export const readDeclared = (database: DatabaseSync): readonly CollectionName[] =>
  prepareRows<[CollectionName]>(database, "SELECT name FROM declared ORDER BY name")
    .all()
    .map(([name]) => name);

const examineStructure = (database: DatabaseSync, deep: boolean): Examination => {
  const pragma = deep ? "integrity_check" : "quick_check";
  const problems = database
    .prepare(`PRAGMA ${pragma}(${TOLD_MAX})`)
    .all()
    .map((row) => String(row[pragma]))
    .filter((line) => line !== "ok");
  return {
    check: "structure",
    looked: `SQLite's ${pragma} finds no fault`,
    problems,
    warnings: [],
  };
};

type Named = [type: string, name: string, sql: string];

const DEFINITIONS_SQL = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL";

/** Every table and index must be as this program makes them. */
const examineIndexes = (database: DatabaseSync): Examination => {
  const model = new DatabaseSync(":memory:");
  migrateDatabase(model);
  const wanted = prepareRows<Named>(model, DEFINITIONS_SQL).all();
  const found = new Map(
    prepareRows<Named>(database, DEFINITIONS_SQL)
      .all()
      .map(([, name, sql]) => [name, sql]),
  );
  model.close();
  const problems = new Problems();
  for (const [type, name, sql] of wanted) {
    const there = found.get(name);
    if (there === undefined) problems.add(`the ${type} ${name} is missing`);
    else if (there !== sql) problems.add(`the ${type} ${name} is not as this program makes it`);
  }
  const looked = `${wanted.length} tables and indexes are there`;
  return { check: "indexes", looked, problems: problems.list(), warnings: [] };
};

type RecordRow = [
  key: string,
  seq: Seq,
  stamp: Stamp,
  buriedAt: Stamp | null,
  author: string | null,
  value: string | null,
  fieldState: string | null,
];

const canonical = (text: string): boolean =>
  text.length === 27 && parseStamp(text) === (text as Stamp);

const valueProblem = (value: string): string | null => {
  try {
    return isJsonObject(JSON.parse(value)) ? null : "its value is no JSON object";
  } catch {
    return "its value is no JSON";
  }
};

/** A field state tells what is live too, and has no stamp after the record's. */
const fieldStateProblem = (text: string, isLive: boolean, stamp: Stamp): string | null => {
  try {
    const { life, stamps } = parseFieldState(text);
    if ((life % 2 === 1) !== isLive) return "its life is not that of its value";
    const isWithin = [...stamps.values()].every((each) => each <= stamp);
    return isWithin ? null : "a field's stamp is after its own";
  } catch {
    return "its life and stamps can't be read";
  }
};

/** What is wrong with one row, by the rules that hold for every record. */
const rowProblem = ([key, , stamp, buriedAt, author, value, fieldState]: RecordRow):
  | string
  | null => {
  if (recordKeyProblem(key) !== null) return "its key breaks a rule";
  if (!canonical(stamp)) return `its stamp is no stamp: ${stamp}`;
  if (author !== null && !isStorableText(author)) return "its author is no text";
  const problem = fieldState === null ? null : fieldStateProblem(fieldState, value !== null, stamp);
  if (problem !== null) return problem;
  if (value === null) {
    return buriedAt === null || !canonical(buriedAt)
      ? "it is deleted, and no one knows when"
      : null;
  }
  return buriedAt === null ? valueProblem(value) : "it is live, and was buried";
};

/** How far ahead of the clock a change's stamp may be: what is stored may be no further. */
const AHEAD_MICROS_MAX = 5 * 60 * 1_000_000;

type Walk = {
  readonly digests: Problems;
  readonly seqs: Problems;
  readonly rows: Problems;
  readonly floors: Problems;
  /** Stamps that no clock has reached. */
  readonly ahead: Problems;
  readonly deep: boolean;
  readonly sha256: Runtime["sha256"];
  readonly now: Stamp;
  count: number;
};

/** Goes through the records of one collection by seq; gives its digest, and the seqs that it holds. */
const walkCollection = (
  database: DatabaseSync,
  walk: Walk,
  of: { readonly space: SpaceId; readonly collection: CollectionName; readonly id: number },
  seqs: Set<Seq>,
): Digest => {
  const { space, collection, id } = of;
  const rows = prepareRows<RecordRow>(
    database,
    `SELECT key, seq, stamp, buried_at, author, ${walk.deep ? "value" : "iif(value IS NULL, NULL, '')"},
       ${walk.deep ? "field_state" : "NULL"}
     FROM records INDEXED BY records_by_key WHERE collection = ?`,
  );
  const latest = addMicros(walk.now, AHEAD_MICROS_MAX);
  let digest = EMPTY_DIGEST;
  for (const row of rows.iterate(id)) {
    const [key, seq, stamp, , , value] = row;
    walk.count += 1;
    if (seqs.has(seq)) walk.seqs.add(`${space}: two records have seq ${seq}`);
    seqs.add(seq);
    if (value !== null) {
      digest = replaceInDigest(walk.sha256, digest, null, { collection, key, seq, value });
    }
    if (stamp > latest) {
      walk.ahead.add(`${space} ${collection} ${JSON.stringify(key)} is of ${stamp}`);
    }
    const problem = walk.deep ? rowProblem(row) : null;
    if (problem !== null)
      walk.rows.add(`${space} ${collection} ${JSON.stringify(key)}: ${problem}`);
  }
  return digest;
};

const examineEpochs = ({ state }: LoadedSpace, space: SpaceId, problems: Problems): void => {
  const { epochs, head } = state;
  if (epochs.length === 0) problems.add(`${space} lists no epoch`);
  let before = { fromSeq: 0, life: 0 };
  const names = new Set<string>();
  for (const { epoch, fromSeq } of epochs) {
    const life = lifeOf(epoch);
    if (fromSeq < before.fromSeq || fromSeq > head || life < before.life) {
      problems.add(`${space}: the epoch ${epoch} from ${fromSeq} is out of order`);
    }
    if (names.has(epoch)) problems.add(`${space} lists the epoch ${epoch} twice`);
    names.add(epoch);
    before = { fromSeq, life };
  }
};

const examineSpace = (database: DatabaseSync, walk: Walk, name: SpaceId): void => {
  const space = createSpaceLoader(database)(name);
  if (space === null) return;
  const { state, collectionIds } = space;
  const { head, floor } = state;
  if (!isSpaceId(name)) walk.rows.add(`${JSON.stringify(name)} is no space's id`);
  const seqs = new Set<Seq>();
  for (const [collection, id] of collectionIds) {
    if (!isCollectionName(collection))
      walk.rows.add(`${name}: ${String(collection)} is no collection's name`);
    const counted = walkCollection(database, walk, { space: name, collection, id }, seqs);
    const kept = state.digests.get(collection) ?? EMPTY_DIGEST;
    if (kept.count !== counted.count || kept.sum !== counted.sum) {
      walk.digests.add(
        `${name} ${collection}: ${kept.count} live records are noted, ${counted.count} are there${
          kept.count === counted.count ? ", with other seqs" : ""
        }`,
      );
    }
  }
  let greatest = 0;
  for (const seq of seqs) greatest = Math.max(greatest, seq);
  if (greatest > head) walk.seqs.add(`${name}: a record has seq ${greatest}, the head is ${head}`);
  if (floor > head) walk.floors.add(`${name}: the floor is ${floor}, the head ${head}`);
  examineEpochs(space, name, walk.seqs);
};

/** Nobody's fault to mend in the data: either this clock is behind, or one was ahead. */
const aheadOf = (told: readonly string[]): readonly string[] =>
  told.length === 0
    ? []
    : [
        `ahead of this machine's clock: ${told.join(", ")}; set the clock if it is behind, else those records win until then`,
      ];

/** What a walk through all records has found. */
const walkedExaminations = (
  walk: Walk,
  spaces: number,
  leftovers: readonly string[],
): readonly Examination[] => {
  const of = (check: string, looked: string, problems: Problems): Examination => ({
    check,
    looked,
    problems: problems.list(),
    warnings: [],
  });
  const { count, digests, seqs, floors, rows, ahead } = walk;
  return [
    of(
      "digests",
      `the records (${count}) of all spaces (${spaces}) are those that are noted`,
      digests,
    ),
    of("seqs", "each once, none above its head; epochs in order", seqs),
    { ...of("floors", "no floor is above its head", floors), warnings: leftovers },
    {
      check: "stamps",
      looked: "none is ahead of this machine's clock",
      problems: [],
      warnings: aheadOf(ahead.list()),
    },
    ...(walk.deep ? [of("records", "every key, stamp and value keeps the rules", rows)] : []),
  ];
};

/**
 * Looks over a database of records at one moment, without a write: its structure, its digests against
 * its rows, its numbers against each other, and with `deep` every row against the data rules. The
 * connection is the caller's, and the file's version must be this program's.
 */
export const examineData = (
  database: DatabaseSync,
  options: {
    readonly deep: boolean;
    readonly sha256: Runtime["sha256"];
    /** By the clock of whoever looks. */
    readonly now: Stamp;
  },
): readonly Examination[] => {
  database.exec("BEGIN");
  try {
    const structure = examineStructure(database, options.deep);
    const indexes = examineIndexes(database);
    // Without its indexes nothing else can be read, and of a damaged file nothing can be believed.
    if (structure.problems.length > 0 || indexes.problems.length > 0) return [structure, indexes];
    const walk: Walk = {
      ...options,
      digests: new Problems(),
      seqs: new Problems(),
      rows: new Problems(),
      floors: new Problems(),
      ahead: new Problems(),
      count: 0,
    };
    const names = createSpaceLister(database)();
    for (const name of names) examineSpace(database, walk, name);
    const leftovers = holdsErased(database)
      ? ["rows of an erased space are still on the disk: the next start of the server removes them"]
      : [];
    return [structure, indexes, ...walkedExaminations(walk, names.length, leftovers)];
  } finally {
    database.exec("COMMIT");
  }
};
