import { type Arguments, type Environment, parseArguments } from "./arguments.ts";
import { readChoice, readOrigin, readText, readWhole } from "./argument-values.ts";

/** What an operator chooses when starting a server. */
export type Settings = {
  /** 0: any free port. */
  readonly port: number;
  readonly host: string;
  /** The folder of the database; relative to the working directory. */
  readonly data: string;
  /** The configuration file; null: there is none. */
  readonly config: string | null;
  /** Origins of web pages that may read answers, as browsers send them: `https://app.example`. */
  readonly corsOrigins: readonly string[];
  readonly logLevel: LogLevel;
};

export const logLevels = ["silent", "error", "warn", "info", "debug"] as const;

export type LogLevel = (typeof logLevels)[number];

/** The folder of the database, for every command that opens it. */
export const dataFlag = {
  variable: "SYNCHRO_DATA",
  value: "DIR",
  help: "folder of the database (./data)",
} as const;

/** The configuration file, for every command that must know the collections. */
export const configFlag = {
  variable: "SYNCHRO_CONFIG",
  value: "FILE",
  help: "collections and limits: .ts, .js or .json",
} as const;

/** The flags of `serve`. */
export const serveFlags = {
  port: {
    variable: "SYNCHRO_PORT",
    value: "PORT",
    help: "port to listen on; 0 picks a free one (7100)",
  },
  host: {
    variable: "SYNCHRO_HOST",
    value: "HOST",
    help: "loopback address to listen on (127.0.0.1)",
  },
  data: dataFlag,
  config: configFlag,
  "cors-origin": {
    variable: "SYNCHRO_CORS_ORIGIN",
    value: "ORIGIN",
    help: "origin of a web page that may read answers; repeatable",
    isRepeatable: true,
  },
  "log-level": {
    variable: "SYNCHRO_LOG_LEVEL",
    value: "LEVEL",
    help: `${logLevels.join(", ")} (warn)`,
  },
} as const;

/** The folder that `--data` names. */
export const readData = (args: Arguments<"data">): string =>
  readText(args.value("data")) ?? "./data";

/** The settings of a server. @throws StartError (exit code 2) naming the flag or variable and the rule. */
export const settingsOf = (args: Arguments<keyof typeof serveFlags>): Settings => ({
  port: readWhole(args.value("port"), { min: 0, max: 65_535 }) ?? 7100,
  host: readText(args.value("host")) ?? "127.0.0.1",
  data: readData(args),
  config: readText(args.value("config")),
  corsOrigins: args.values("cors-origin").map(readOrigin),
  logLevel: readChoice(args.value("log-level"), logLevels) ?? "warn",
});

/**
 * The settings of `serve`: flags win over `SYNCHRO_…` variables, which win over the defaults.
 *
 * @throws StartError (exit code 2) naming the flag or variable and the rule.
 */
export const readSettings = (args: readonly string[], environment: Environment): Settings =>
  settingsOf(parseArguments({ name: "serve", flags: serveFlags, operands: [] }, args, environment));
