import type { KeySource } from "../access/key-ring.ts";
import type { TokenNames } from "../access/verify-token.ts";
import type { TlsFiles } from "../http/tls-files.ts";
import {
  type Arguments,
  type Environment,
  type Given,
  parseArguments,
  refuseUsage,
} from "./arguments.ts";
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
  /** The keys that tokens are checked with; null: open mode. */
  readonly keys: KeySource | null;
  /** What tokens must name. */
  readonly tokenNames: TokenNames;
  /** Where devices reach the server, without a final slash; null: it is not known. */
  readonly publicUrl: string | null;
  /** Null: plain HTTP. */
  readonly tls: TlsFiles | null;
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

/** The key file, for every command that makes or checks tokens. */
export const keysFlag = {
  variable: "SYNCHRO_KEYS",
  value: "FILE",
  help: "keys of tokens (or their JSON in SYNCHRO_KEYS_JSON)",
} as const;

/** Whom a token must name, for every command that makes or checks one. */
export const tokenNameFlags = {
  issuer: {
    variable: "SYNCHRO_ISSUER",
    value: "NAME",
    help: "who makes the tokens, their iss (synchro)",
  },
  audience: {
    variable: "SYNCHRO_AUDIENCE",
    value: "NAME",
    help: "whom the tokens are for, their aud (synchro)",
  },
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
    help: "address; without keys a loopback one (127.0.0.1)",
  },
  data: dataFlag,
  config: configFlag,
  keys: { ...keysFlag, help: "keys that vouch for callers; without: open mode" },
  ...tokenNameFlags,
  "tls-cert": {
    variable: "SYNCHRO_TLS_CERT",
    value: "FILE",
    help: "certificate in PEM, for HTTPS; together with --tls-key",
  },
  "tls-key": {
    variable: "SYNCHRO_TLS_KEY",
    value: "FILE",
    help: "the certificate's private key in PEM",
  },
  "public-url": {
    variable: "SYNCHRO_PUBLIC_URL",
    value: "URL",
    help: "where devices reach the server, for QR codes",
  },
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

/** The variable that may hold the key file's JSON itself. */
const KEYS_JSON = "SYNCHRO_KEYS_JSON";

/** Where the keys are that `--keys` or the environment names; null: nowhere. */
export const readKeySource = (
  args: Arguments<"keys">,
  environment: Environment,
): KeySource | null => {
  const given = args.value("keys");
  const path = readText(given);
  const text = environment[KEYS_JSON] ?? "";
  if (path !== null && text !== "") {
    return refuseUsage(`${given?.place} and ${KEYS_JSON} are both given: keep one`);
  }
  if (path !== null) return { kind: "file", path };
  return text === "" ? null : { kind: "text", text, place: KEYS_JSON };
};

export const readTokenNames = (args: Arguments<keyof typeof tokenNameFlags>): TokenNames => ({
  issuer: readText(args.value("issuer")) ?? "synchro",
  audience: readText(args.value("audience")) ?? "synchro",
});

/** An address as devices use it: a proxy in front may have put the server under a path. */
export const readPublicUrl = (given: Given | undefined): string | null => {
  const text = readText(given);
  if (text === null) return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  const isPlain = url !== null && `${url.username}${url.password}${url.search}${url.hash}` === "";
  if (isPlain && /^https?:$/.test(url.protocol)) return url.href.replace(/\/+$/, "");
  return refuseUsage(
    `${given?.place} must be an address such as https://shops.example, not ${JSON.stringify(text)}`,
  );
};

const readTls = (args: Arguments<"tls-cert" | "tls-key">): TlsFiles | null => {
  const certFile = readText(args.value("tls-cert"));
  const keyFile = readText(args.value("tls-key"));
  if (certFile === null && keyFile === null) return null;
  if (certFile === null) return refuseUsage("--tls-key needs --tls-cert FILE beside it");
  if (keyFile === null) return refuseUsage("--tls-cert needs --tls-key FILE beside it");
  return { certFile, keyFile };
};

/** The settings of a server. @throws StartError (exit code 2) naming the flag or variable and the rule. */
export const settingsOf = (
  args: Arguments<keyof typeof serveFlags>,
  environment: Environment,
): Settings => ({
  port: readWhole(args.value("port"), { min: 0, max: 65_535 }) ?? 7100,
  host: readText(args.value("host")) ?? "127.0.0.1",
  data: readData(args),
  config: readText(args.value("config")),
  corsOrigins: args.values("cors-origin").map(readOrigin),
  logLevel: readChoice(args.value("log-level"), logLevels) ?? "warn",
  keys: readKeySource(args, environment),
  tokenNames: readTokenNames(args),
  publicUrl: readPublicUrl(args.value("public-url")),
  tls: readTls(args),
});

/**
 * The settings of `serve`: flags win over `SYNCHRO_…` variables, which win over the defaults.
 *
 * @throws StartError (exit code 2) naming the flag or variable and the rule.
 */
export const readSettings = (args: readonly string[], environment: Environment): Settings =>
  settingsOf(
    parseArguments({ name: "serve", flags: serveFlags, operands: [] }, args, environment),
    environment,
  );
