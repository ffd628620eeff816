import type { CollectionName, SpaceId } from "@synchro/core";
import { isCollectionName } from "@synchro/core";
import { openDatabaseSource, openFolderSource } from "../compose-transfer.ts";
import { type Arguments, refuseUsage } from "../config/arguments.ts";
import { readChoice, readSpace, readText } from "../config/argument-values.ts";
import { type LoadedConfig, loadConfig } from "../config/load-config.ts";
import { configFlag } from "../config/settings.ts";
import { StartError } from "../config/start-error.ts";
import { systemRuntime } from "../system-runtime.ts";
import { AtomicFile } from "../transfer/atomic-file.ts";
import type { ExportSource } from "../transfer/export-source.ts";
import { type Place, placeFlags, readPlace } from "../transfer/place-flags.ts";
import { formatCount, Progress } from "../transfer/progress.ts";
import { createServerClient } from "../transfer/server-client.ts";
import { openServerSource } from "../transfer/server-source.ts";
import { stoppedError, withStopSignal } from "../transfer/stop-signal.ts";
import { formatOf, formats, type TransferFormat } from "../transfer/transfer-format.ts";
import { csvLines, ndjsonLines } from "../transfer/write-records.ts";
import { defineCommand, type Terminal } from "./command.ts";
import { exitCodes } from "./exit-code.ts";

/** Bytes that are written at a time. */
const PIECE_LENGTH = 64 * 1024;

const flags = {
  space: { value: "SPACE", variable: null, help: "space (shop) to export; must be given" },
  collection: {
    value: "NAME",
    variable: null,
    help: "collection to export; repeatable with ndjson (readings)",
    isRepeatable: true,
  },
  format: {
    value: "FORMAT",
    variable: null,
    help: `${formats.join(" or ")} (by the file's name, else ndjson)`,
  },
  tombstones: { value: null, variable: null, help: "deleted records too" },
  ...placeFlags,
  config: configFlag,
} as const;

type ExportArguments = Arguments<keyof typeof flags>;

type ExportJob = {
  readonly space: SpaceId;
  readonly collections: readonly CollectionName[];
  readonly format: TransferFormat;
  readonly tombstones: boolean;
  readonly place: Place;
  readonly config: LoadedConfig;
  /** Null: stdout. */
  readonly file: string | null;
};

const readCollections = (args: ExportArguments): readonly CollectionName[] => {
  const given = args.values("collection");
  const names = given.map(({ text, place }) =>
    isCollectionName(text)
      ? text
      : refuseUsage(`${place} must be the name of a collection, not ${JSON.stringify(text)}`),
  );
  return names.length === 0 ? ["readings" as CollectionName] : [...new Set(names)];
};

const readJob = (args: ExportArguments, terminal: Terminal): ExportJob => {
  const space = args.value("space");
  if (space === undefined) return refuseUsage("--space is missing");
  const [operand = "-"] = args.operands;
  const file = operand === "-" ? null : operand;
  const format = readChoice(args.value("format"), formats) ?? formatOf(file);
  const collections = readCollections(args);
  if (format === "csv" && collections.length > 1) {
    refuseUsage("--format csv takes one --collection: its columns are those of one collection");
  }
  return {
    space: readSpace(space),
    collections,
    format,
    tombstones: args.isOn("tombstones"),
    place: readPlace(args, terminal.environment),
    config: loadConfig(readText(args.value("config"))),
    file,
  };
};

const openSource = (
  job: ExportJob,
  progress: Progress,
  signal: AbortSignal,
): ExportSource | Promise<ExportSource> => {
  const { place, space, collections, tombstones } = job;
  const onProgress = (records: number): void => progress.show(records, null);
  if (place.kind === "data") {
    const { data } = place;
    return data.kind === "folder"
      ? openFolderSource(data.folder, space, job)
      : openDatabaseSource(data, space, { collections, tombstones, signal, onProgress });
  }
  const client = createServerClient({ ...place, runtime: systemRuntime, signal });
  return openServerSource({
    client,
    space,
    collections,
    tombstones,
    runtime: systemRuntime,
    signal,
    onProgress,
  });
};

const linesOf = (job: ExportJob, source: ExportSource): Iterable<string | null> => {
  if (job.format === "ndjson") return ndjsonLines(source);
  const [name = ""] = job.collections;
  const collection = job.config.registry.get(name);
  if (collection === undefined) {
    throw new StartError(
      `${name} is not declared here: name its configuration with --config, or use --format ndjson`,
    );
  }
  return csvLines(source, collection, job.tombstones);
};

/** Signals, and who watches, get their turn. */
const lookUp = async (signal: AbortSignal): Promise<void> => {
  await new Promise<void>((resolve) => {
    systemRuntime.soon(resolve);
  });
  if (signal.aborted) throw stoppedError();
};

/** Writes lines in pieces, each once the last is taken. Returns the number of lines. */
const writeLines = async (
  lines: Iterable<string | null>,
  write: (bytes: Uint8Array) => Promise<void> | void,
  onLines: (lines: number) => void,
  signal: AbortSignal,
): Promise<number> => {
  const encoder = new TextEncoder();
  let piece = "";
  let count = 0;
  for (const line of lines) {
    if (line !== null) {
      piece += line;
      count += 1;
      if (piece.length < PIECE_LENGTH) continue;
      await write(encoder.encode(piece));
      piece = "";
    }
    await lookUp(signal);
    onLines(count);
  }
  if (signal.aborted) throw stoppedError();
  if (piece !== "") await write(encoder.encode(piece));
  return count;
};

const writeSource = async (
  job: ExportJob,
  source: ExportSource,
  terminal: Terminal,
  progress: Progress,
  signal: AbortSignal,
): Promise<number> => {
  const lines = linesOf(job, source);
  const { total } = source;
  const onLines = (count: number): void =>
    progress.show(count, total === null || total === 0 ? null : count / total);
  const heads = job.format === "csv" ? 1 : 0;
  if (job.file === null) {
    return (await writeLines(lines, terminal.write, onLines, signal)) - heads;
  }
  const file = new AtomicFile(job.file, systemRuntime);
  try {
    const count = await writeLines(lines, (bytes) => file.write(bytes), onLines, signal);
    file.commit();
    return count - heads;
  } finally {
    file.discard();
  }
};

/** Writes the records of a space to a file or to stdout, as they are at one moment. */
export const exportCommand = defineCommand({
  operands: [{ name: "FILE", help: "where to; - or none: stdout", isOptional: true }],
  flags,
  notes: [
    "ndjson: a record a line, with all that import needs to make it again.",
    "csv: key, updated_at and the value's members, those that are objects or lists as JSON. Cells are",
    "written as they are, also those that begin with = + - or @, which a spreadsheet may calculate.",
    "A FILE is there whole or not at all. From a folder (--data) also while a server runs on it.",
  ],
  run: (args, terminal) =>
    withStopSignal(async (signal) => {
      const job = readJob(args, terminal);
      const progress = new Progress(terminal, systemRuntime);
      try {
        const source = await openSource(job, progress, signal);
        try {
          const count = await writeSource(job, source, terminal, progress, signal);
          progress.clear();
          const seconds = (progress.elapsedMs / 1000).toFixed(1);
          const what = `${formatCount(count)} records of ${job.space} (${job.collections.join(", ")})`;
          terminal.complain(`exported ${what} to ${job.file ?? "stdout"} in ${seconds} s`);
        } finally {
          source.close();
        }
      } finally {
        progress.clear();
      }
      return exitCodes.ok.code;
    }),
});
