import { formatStamp, isCollectionName, parseInstant, type SpaceId } from "@synchro/core";
import { openDataTarget } from "../compose-transfer.ts";
import { type Arguments, refuseUsage } from "../config/arguments.ts";
import { readChoice, readSpace, readText } from "../config/argument-values.ts";
import { type LoadedConfig, loadConfig } from "../config/load-config.ts";
import { configFlag } from "../config/settings.ts";
import { StartError } from "../config/start-error.ts";
import { systemRuntime } from "../system-runtime.ts";
import type { RowDefaults } from "../transfer/input-row.ts";
import type { InputSource } from "../transfer/input-source.ts";
import { createJudgeRow } from "../transfer/judge-row.ts";
import { isPostgresUrl } from "../postgres/database-address.ts";
import { openDjangoPostgres } from "../transfer/open-django-postgres.ts";
import { openDjangoSqlite } from "../transfer/open-django-sqlite.ts";
import { openFileSource } from "../transfer/open-file-source.ts";
import type { ImportTarget } from "../transfer/outgoing-change.ts";
import { type Place, placeFlags, readPlace } from "../transfer/place-flags.ts";
import { formatCount, Progress } from "../transfer/progress.ts";
import { RejectedFile } from "../transfer/rejected-file.ts";
import { type ImportCounts, type ImportEnd, runImport } from "../transfer/run-import.ts";
import { createServerClient } from "../transfer/server-client.ts";
import { openServerTarget } from "../transfer/server-target.ts";
import { withStopSignal } from "../transfer/stop-signal.ts";
import { formatOf, formats, type TransferFormat } from "../transfer/transfer-format.ts";
import { defineCommand, type Terminal } from "./command.ts";
import { exitCodes } from "./exit-code.ts";

const batch = { changesMax: 500, lengthMax: 1024 * 1024 };

const flags = {
  space: { value: "SPACE", variable: null, help: "space (shop) to import into; must be given" },
  collection: {
    value: "NAME",
    variable: null,
    help: "collection of the rows that name none (readings)",
  },
  format: {
    value: "FORMAT",
    variable: null,
    help: `${formats.join(" or ")} (by the file's name, else ndjson)`,
  },
  "from-django": {
    value: "SOURCE",
    variable: null,
    help: "origin's db.sqlite3 or postgres://… instead of FILE",
  },
  "updated-at": {
    value: "TIME",
    variable: null,
    help: "updated_at of rows that have none (now)",
  },
  rejected: {
    value: "FILE",
    variable: null,
    help: "list of rejected rows (FILE.rejected.ndjson)",
  },
  "dry-run": { value: null, variable: null, help: "only look whether the rows can be taken" },
  ...placeFlags,
  config: configFlag,
} as const;

type ImportArguments = Arguments<keyof typeof flags>;

/** Where rows come from: the origin's database, or a file (`null`: stdin). */
type From =
  | { readonly kind: "django"; readonly source: string }
  | { readonly kind: "file"; readonly file: string | null; readonly format: TransferFormat };

type ImportJob = {
  readonly space: SpaceId;
  readonly from: From;
  readonly defaults: RowDefaults;
  readonly rejectedFile: string;
  readonly isDryRun: boolean;
  readonly place: Place;
  readonly config: LoadedConfig;
};

const readFrom = (args: ImportArguments): From => {
  const source = readText(args.value("from-django"));
  const [operand] = args.operands;
  const format = readChoice(args.value("format"), formats);
  if (source === null) {
    if (operand === undefined) return refuseUsage("FILE is missing (what to import; - is stdin)");
    const file = operand === "-" ? null : operand;
    return { kind: "file", file, format: format ?? formatOf(file) };
  }
  if (operand !== undefined) refuseUsage("--from-django and FILE exclude each other");
  if (format !== null) refuseUsage("--from-django has no --format");
  if ((args.value("collection")?.text ?? "readings") !== "readings") {
    refuseUsage("--from-django imports readings, and no other --collection");
  }
  return { kind: "django", source };
};

const readDefaults = (args: ImportArguments): RowDefaults => {
  const collection = readText(args.value("collection")) ?? "readings";
  if (!isCollectionName(collection)) {
    refuseUsage(`--collection must be the name of a collection, not ${JSON.stringify(collection)}`);
  }
  const text = readText(args.value("updated-at"));
  const stamp = text === null ? systemRuntime.now() : parseInstant(text);
  return stamp === null
    ? refuseUsage(
        `--updated-at must be a date and time such as 2026-11-24T10:00:00Z, not ${JSON.stringify(text)}`,
      )
    : { collection, updatedAt: formatStamp(stamp) };
};

const rejectedFileOf = (from: From): string => {
  const file = from.kind === "file" ? from.file : isPostgresUrl(from.source) ? null : from.source;
  return `${file ?? "import"}.rejected.ndjson`;
};

const readJob = (args: ImportArguments, terminal: Terminal): ImportJob => {
  const space = args.value("space");
  if (space === undefined) return refuseUsage("--space is missing");
  const from = readFrom(args);
  return {
    space: readSpace(space),
    from,
    defaults: readDefaults(args),
    rejectedFile: readText(args.value("rejected")) ?? rejectedFileOf(from),
    isDryRun: args.isOn("dry-run"),
    place: readPlace(args, terminal.environment),
    config: loadConfig(readText(args.value("config"))),
  };
};

const openSource = (
  { from, defaults, config }: ImportJob,
  terminal: Terminal,
  signal: AbortSignal,
): InputSource | Promise<InputSource> => {
  const { limits, registry } = config;
  if (from.kind === "django") {
    return isPostgresUrl(from.source)
      ? openDjangoPostgres(from.source, limits, signal)
      : openDjangoSqlite(from.source, limits);
  }
  const collection = registry.get(defaults.collection) ?? null;
  if (from.format === "csv" && collection === null) {
    throw new StartError(
      `${defaults.collection} is not declared here: name its configuration with --config`,
    );
  }
  return openFileSource({
    file: from.file,
    input: terminal.input,
    csv: from.format === "csv" ? collection : null,
    defaults,
    limits,
    signal,
  });
};

const openTarget = (job: ImportJob, signal: AbortSignal): Promise<ImportTarget | null> => {
  const { place, space, config } = job;
  if (job.isDryRun) return Promise.resolve(null);
  if (place.kind === "data") return openDataTarget(place.data, space, config);
  const client = createServerClient({ ...place, runtime: systemRuntime, signal });
  const { collection } = job.defaults;
  return openServerTarget({ client, space, collection, runtime: systemRuntime });
};

const importAll = async (
  job: ImportJob,
  parts: {
    readonly source: InputSource;
    readonly target: ImportTarget | null;
    readonly rejected: RejectedFile;
    readonly progress: Progress;
    readonly signal: AbortSignal;
  },
): Promise<ImportEnd> => {
  const { source, target, rejected, progress, signal } = parts;
  const judge = createJudgeRow({
    ...job.config,
    sha256: systemRuntime.sha256,
    sendsUndeclared: job.place.kind === "server" && !job.isDryRun,
  });
  try {
    return await runImport({
      rows: source.rows,
      judge,
      target,
      batch,
      onRejected: (row) => rejected.add(row),
      onProgress: (rows) => progress.show(rows, source.share()),
      signal,
    });
  } finally {
    await target?.close();
    rejected.close();
  }
};

const summaryOf = (job: ImportJob, counts: ImportCounts, rejectedPath: string): string => {
  const { rows, applied, unchanged, superseded, rejected } = counts;
  const listed = rejected === 0 ? "" : ` (${rejectedPath})`;
  const refused = `${formatCount(rejected)} rejected${listed}`;
  if (job.isDryRun) {
    return `checked ${formatCount(rows)} rows, nothing was written: ${formatCount(applied)} can be taken, ${refused}\n`;
  }
  return `imported ${formatCount(rows)} rows into ${job.space}: ${formatCount(applied)} applied, ${formatCount(unchanged)} unchanged, ${formatCount(superseded)} superseded, ${refused}\n`;
};

const run = async (job: ImportJob, terminal: Terminal, signal: AbortSignal): Promise<number> => {
  const source = await openSource(job, terminal, signal);
  const target = await openTarget(job, signal);
  const rejected = new RejectedFile(job.rejectedFile);
  const progress = new Progress(terminal, systemRuntime);
  const { counts, failure } = await importAll(job, { source, target, rejected, progress, signal });
  progress.clear();
  terminal.print(summaryOf(job, counts, rejected.path));
  const { first } = rejected;
  if (first !== null) {
    const { line, message } = first;
    terminal.complain(`${source.name}: line ${line} was rejected first: ${message}`);
  }
  if (failure === null) return first === null ? exitCodes.ok.code : exitCodes.failed.code;
  terminal.complain(`${source.name}: ${failure.message}`);
  return failure.exitCode;
};

/** Brings rows into a space as changes: the newer wins, and to repeat it changes nothing. */
export const importCommand = defineCommand({
  operands: [{ name: "FILE", help: "what to import; - is stdin", isOptional: true }],
  flags,
  notes: [
    "Rows are changes: a stored record that is newer stays. Repeating an import is safe; rows without",
    "updated_at count as changed at each time, unless --updated-at says when they were.",
    'ndjson: {"key","value"} a line, with "collection", "updated_at" and "deleted" where they differ.',
    "csv: columns key and the value's members, updated_at and deleted if there; an empty cell is none.",
    "A row that is rejected is listed and holds up no other; the exit code is then 1.",
    "A postgres:// address without a password takes it from PGPASSWORD or ~/.pgpass.",
  ],
  run: (args, terminal) =>
    withStopSignal((signal) => run(readJob(args, terminal), terminal, signal)),
});
