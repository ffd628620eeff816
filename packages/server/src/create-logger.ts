import { formatStamp, type Runtime } from "@synchro/core";
import { destination, type Logger, pino } from "pino";
import type { LogLevel } from "./config/settings.ts";

const STDERR = 2;

/**
 * The log: JSON lines on stderr, written at once, so that the last ones before an end are not lost.
 * Never told: bodies, queries, paths, headers.
 */
export const createLogger = (runtime: Pick<Runtime, "now">, level: LogLevel): Logger =>
  pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${formatStamp(runtime.now())}"`,
      formatters: { level: (name) => ({ level: name }) },
    },
    destination({ dest: STDERR, sync: true }),
  );
