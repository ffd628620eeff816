import { parseArgs } from "node:util";
import { nameHint } from "./closest-name.ts";
import { StartError } from "./start-error.ts";

/** What an operator chooses when starting a command. */
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

/** The exit code of a command line that can't be understood. */
export const USAGE_EXIT_CODE = 2;

const refuse = (line: string): never => {
  throw new StartError(line, USAGE_EXIT_CODE);
};

/** Each flag: what it is called in the environment, what stands for it in help, and what it means. */
export const flags = {
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
  data: { variable: "SYNCHRO_DATA", value: "DIR", help: "folder of the database (./data)" },
  config: {
    variable: "SYNCHRO_CONFIG",
    value: "FILE",
    help: "collections and limits: .ts, .js or .json",
  },
  "cors-origin": {
    variable: "SYNCHRO_CORS_ORIGIN",
    value: "ORIGIN",
    help: "origin of a web page that may read answers; repeatable",
  },
  "log-level": {
    variable: "SYNCHRO_LOG_LEVEL",
    value: "LEVEL",
    help: `${logLevels.join(", ")} (warn)`,
  },
} as const;

export type Flag = keyof typeof flags;

const isFlag = (name: string): name is Flag => Object.hasOwn(flags, name);

/** A text and where it was given, so that a refusal names the place to change. */
type Given = { readonly text: string; readonly place: string };

const parseFlags = (args: readonly string[]): ReadonlyMap<Flag, readonly Given[]> => {
  const options = Object.fromEntries(
    Object.keys(flags).map((name) => [name, { type: "string", multiple: true }] as const),
  );
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const given = new Map<Flag, readonly Given[]>();
  for (const token of tokens) {
    if (token.kind === "positional") refuse(`${token.value} is not expected here: see --help`);
    if (token.kind !== "option") continue;
    if (!isFlag(token.name)) {
      const hint = nameHint(
        token.rawName,
        Object.keys(flags).map((name) => `--${name}`),
      );
      return refuse(`${token.rawName} is not a flag: ${hint}`);
    }
    const place = `--${token.name}`;
    if (token.value === undefined)
      return refuse(`${place} needs a value: ${place} ${flags[token.name].value}`);
    const earlier = given.get(token.name) ?? [];
    if (earlier.length > 0 && token.name !== "cors-origin") refuse(`${place} is given twice`);
    given.set(token.name, [...earlier, { text: token.value, place }]);
  }
  return given;
};

type Environment = { readonly [name: string]: string | undefined };

/** What was given for a flag: on the command line, else in the environment (an empty variable is none). */
const valuesOf = (
  flag: Flag,
  given: ReadonlyMap<Flag, readonly Given[]>,
  environment: Environment,
): readonly Given[] => {
  const onLine = given.get(flag);
  if (onLine !== undefined) return onLine;
  const { variable } = flags[flag];
  const text = environment[variable] ?? "";
  if (text === "") return [];
  const texts = flag === "cors-origin" ? text.split(",").map((origin) => origin.trim()) : [text];
  return texts.map((value) => ({ text: value, place: variable }));
};

const readPort = (given: Given | undefined): number => {
  if (given === undefined) return 7100;
  const port = /^\d{1,5}$/.test(given.text) ? Number(given.text) : Number.NaN;
  return port <= 65_535
    ? port
    : refuse(
        `${given.place} must be a whole number from 0 to 65535, not ${JSON.stringify(given.text)}`,
      );
};

const readText = (given: Given | undefined): string | null => {
  if (given === undefined) return null;
  return given.text.trim() === "" ? refuse(`${given.place} must not be empty`) : given.text;
};

const readLogLevel = (given: Given | undefined): LogLevel => {
  if (given === undefined) return "warn";
  const level = logLevels.find((name) => name === given.text);
  return (
    level ??
    refuse(
      `${given.place} must be one of ${logLevels.join(", ")}, not ${JSON.stringify(given.text)}`,
    )
  );
};

/** An origin exactly as a browser sends it (RFC 6454, section 6.2): anything else would never match. */
const readOrigin = ({ text, place }: Given): string => {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && url.origin === text) return text;
  const meant = url !== null && url.origin !== "null" ? `: did you mean ${url.origin}?` : "";
  return refuse(
    `${place} must be an origin such as https://app.example, without a path, not ${JSON.stringify(text)}${meant}`,
  );
};

/**
 * The settings of a command: flags win over `SYNCHRO_…` variables, which win over the defaults.
 *
 * @throws StartError (exit code 2) naming the flag or variable and the rule.
 */
export const readSettings = (args: readonly string[], environment: Environment): Settings => {
  const given = parseFlags(args);
  const values = (flag: Flag): readonly Given[] => valuesOf(flag, given, environment);
  return {
    port: readPort(values("port")[0]),
    host: readText(values("host")[0]) ?? "127.0.0.1",
    data: readText(values("data")[0]) ?? "./data",
    config: readText(values("config")[0]),
    corsOrigins: values("cors-origin").map(readOrigin),
    logLevel: readLogLevel(values("log-level")[0]),
  };
};
