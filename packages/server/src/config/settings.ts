import type { KeySource } from "../access/key-ring.ts";
import type { TokenNames } from "../access/verify-token.ts";
import type { TlsFiles } from "../http/tls-files.ts";
import type { DatabaseAddress } from "../postgres/database-address.ts";
import { type NatsPlace, readNatsPlace } from "../live/bus/nats-place.ts";
import {
  type Arguments,
  type Environment,
  type Given,
  parseArguments,
  refuseUsage,
} from "./arguments.ts";
import {
  type DatabaseChoice,
  dataPlaceFlags,
  isPasswordSeen,
  readAddress,
  readData,
  readDatabase,
} from "./data-place.ts";
import { readChoice, readOrigin, readText, readWhole } from "./argument-values.ts";

/** What an operator chooses when starting a server. */
export type Settings = {
  /** 0: any free port. */
  readonly port: number;
  readonly host: string;
  /** The folder of the database; relative to the working directory. */
  readonly data: string;
  /** The database instead of the folder; null: the folder. */
  readonly database: DatabaseSettings | null;
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
  /** How nodes over one database tell each other of commits; null: as the database itself offers. */
  readonly bus: NatsPlace | null;
  /** Seconds for which a stop goes on serving once `/readyz` says no. */
  readonly drainDelaySeconds: number;
};

export const logLevels = ["silent", "error", "warn", "info", "debug"] as const;

export type LogLevel = (typeof logLevels)[number];

/** The database of a server, and how it is used. */
export type DatabaseSettings = DatabaseChoice & {
  /** Copies that follow the database: reads go to them as far as nobody can tell. */
  readonly replicas: readonly DatabaseAddress[];
  /** Connections of this node to the primary at a time, and as many to each replica. */
  readonly connectionsMax: number;
  /** Whether the command line, which every user of the machine can read, holds a password. */
  readonly isPasswordSeen: boolean;
};

/** Below this the pools of a node can't be told apart. */
const CONNECTIONS_MIN = 6;
const CONNECTIONS_DEFAULT = 20;

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
  ...dataPlaceFlags,
  replica: {
    variable: "SYNCHRO_REPLICA",
    value: "URL",
    help: "postgres:// of a read replica; repeatable",
    isRepeatable: true,
  },
  "pool-size": {
    variable: "SYNCHRO_POOL_SIZE",
    value: "COUNT",
    help: `connections to each database (${CONNECTIONS_DEFAULT})`,
  },
  config: configFlag,
  keys: { ...keysFlag, help: "keys that vouch for callers; without: open mode" },
  ...tokenNameFlags,
  "tls-cert": {
    variable: "SYNCHRO_TLS_CERT",
    value: "FILE",
    help: "certificate in PEM, for HTTPS; with --tls-key",
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
    help: "web origin that may read answers; repeatable",
    isRepeatable: true,
  },
  bus: {
    variable: "SYNCHRO_BUS",
    value: "URL",
    help: "nats://HOST:PORT between nodes; repeatable",
    isRepeatable: true,
  },
  "drain-delay": {
    variable: "SYNCHRO_DRAIN_DELAY",
    value: "SECONDS",
    help: "serve on while a balancer notices a stop (0)",
  },
  "log-level": {
    variable: "SYNCHRO_LOG_LEVEL",
    value: "LEVEL",
    help: `${logLevels.join(", ")} (warn)`,
  },
} as const;

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

/** The address is not told back: a password may stand in it. */
const readBus = (args: Arguments<"bus" | "database">): NatsPlace | null => {
  const given = args.values("bus");
  const [first] = given;
  if (first === undefined) return null;
  const place = readNatsPlace(given.map(({ text }) => text));
  if (place === null) {
    return refuseUsage(
      `${first.place} must be an address such as nats://user:password@127.0.0.1:4222/name, and several must differ in their hosts only`,
    );
  }
  // In a folder there is one server, which has nobody to tell.
  const isAlone = args.value("database") === undefined;
  if (isAlone && first.place === "--bus") refuseUsage("--bus needs --database URL beside it");
  return place;
};

const readDatabaseSettings = (
  args: Arguments<keyof typeof serveFlags>,
  environment: Environment,
): DatabaseSettings | null => {
  const bounds = { min: CONNECTIONS_MIN, max: 1_000 };
  const connectionsMax = readWhole(args.value("pool-size"), bounds);
  const chosen = readDatabase(args, environment);
  const replicas = args.values("replica").map((given) => readAddress(given, environment));
  if (chosen === null) {
    return replicas.length === 0 ? null : refuseUsage("--replica needs --database URL beside it");
  }
  return {
    ...chosen,
    replicas,
    connectionsMax: connectionsMax ?? CONNECTIONS_DEFAULT,
    isPasswordSeen: [args.value("database"), ...args.values("replica")].some(isPasswordSeen),
  };
};

/** The settings of a server. @throws StartError (exit code 2) naming the flag or variable and the rule. */
export const settingsOf = (
  args: Arguments<keyof typeof serveFlags>,
  environment: Environment,
): Settings => ({
  port: readWhole(args.value("port"), { min: 0, max: 65_535 }) ?? 7100,
  host: readText(args.value("host")) ?? "127.0.0.1",
  data: readData(args),
  database: readDatabaseSettings(args, environment),
  config: readText(args.value("config")),
  corsOrigins: args.values("cors-origin").map(readOrigin),
  logLevel: readChoice(args.value("log-level"), logLevels) ?? "warn",
  keys: readKeySource(args, environment),
  tokenNames: readTokenNames(args),
  publicUrl: readPublicUrl(args.value("public-url")),
  tls: readTls(args),
  bus: readBus(args),
  drainDelaySeconds: readWhole(args.value("drain-delay"), { min: 0, max: 300 }) ?? 0,
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
