import { parseStamp, stampToMillis } from "@synchro/core";
import { examineControl, examineFolder, inspectFolder } from "../compose-operations.ts";
import { readText } from "../config/argument-values.ts";
import { loadConfig } from "../config/load-config.ts";
import { configFlag } from "../config/settings.ts";
import { StartError } from "../config/start-error.ts";
import { examineDatabase } from "../compose-postgres.ts";
import { diagnoseDatabase } from "../operations/diagnose-database.ts";
import { diagnose, type DiagnoseDeps } from "../operations/diagnose.ts";
import { findingLines } from "../operations/finding.ts";
import { systemRuntime } from "../system-runtime.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { dataPlaceFlags, placeName, readDataPlace } from "../config/data-place.ts";

const ANSWER_MS_MAX = 10_000;

/** The time by a server's clock, to the second (RFC 9110, section 6.6.1). */
const askServer = async (url: string): Promise<number> => {
  let response: Response;
  try {
    response = await fetch(new URL("/healthz", url), {
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(`${url} does not answer (${reason}): is it running?`);
  }
  const date = response.headers.get("date");
  const seconds = date === null ? Number.NaN : httpDateMs(date);
  if (Number.isNaN(seconds)) throw new StartError(`${url} does not tell the time`);
  return seconds;
};

const months = "JanFebMarAprMayJunJulAugSepOctNovDec";

/** `Tue, 24 Nov 2026 10:00:00 GMT` in milliseconds since 1970. */
const httpDateMs = (text: string): number => {
  const match = /^\w{3}, (\d{2}) (\w{3}) (\d{4}) (\d{2}:\d{2}:\d{2}) GMT$/.exec(text);
  if (match === null) return Number.NaN;
  const [, day, month = "", year, time] = match;
  const number = String(months.indexOf(month) / 3 + 1).padStart(2, "0");
  const stamp = parseStamp(`${year}-${number}-${day}T${time}Z`);
  return stamp === null ? Number.NaN : stampToMillis(stamp);
};

const deps: DiagnoseDeps = {
  nodeVersion: process.versions.node,
  now: systemRuntime.now,
  loadCollections: (config) => loadConfig(config).registry.names,
  inspect: inspectFolder,
  examine: examineFolder,
  examineControl,
  askServer,
};

/** Looks the data over, and says what to do. */
export const doctor = defineCommand({
  flags: {
    ...dataPlaceFlags,
    deep: {
      value: null,
      variable: null,
      help: "read every value, and all of SQLite's own check: takes longer",
    },
    config: configFlag,
    url: { value: "URL", variable: null, help: "of a server, to compare its clock" },
    json: { value: null, variable: null, help: "print JSON" },
  },
  notes: [
    "It only reads, also while the server runs. Each line is OK, WARN or FAIL and says what to do; with",
    "a FAIL the exit code is 1.",
  ],
  run: async (args, terminal) => {
    const place = readDataPlace(args, terminal.environment);
    const config = readText(args.value("config"));
    const url = readText(args.value("url"));
    const findings =
      place.kind === "folder"
        ? await diagnose(deps, { data: placeName(place), config, deep: args.isOn("deep"), url })
        : await diagnoseDatabase(
            { ...deps, name: placeName(place), examine: () => examineDatabase(place) },
            { config, url },
          );
    const isFine = findings.every(({ state }) => state !== "FAIL");
    terminal.print(
      args.isOn("json")
        ? `${JSON.stringify({ fine: isFine, findings }, null, 2)}\n`
        : findingLines(findings),
    );
    return isFine ? exitCodes.ok.code : exitCodes.failed.code;
  },
});
