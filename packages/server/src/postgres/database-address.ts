import { readFileSync } from "node:fs";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import { DatabaseRefusedError } from "./database-refused-error.ts";
import { findPassword } from "./password-file.ts";

/** Where a database is and how to get in. */
export type DatabaseAddress = {
  /** A name, an address, or the folder of a socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** Null: the server asks for none, or a certificate does. A function, so that no log prints it. */
  readonly password: () => string | null;
  readonly tls: TlsOptions | false;
  /** For people: without the name and the password. */
  readonly shown: string;
};

type Environment = { readonly [name: string]: string | undefined };

const DEFAULT_PORT = 5432;
const tlsModes = ["disable", "no-verify", "require", "verify-ca", "verify-full"];
const parameters = new Set([
  "host",
  "port",
  "user",
  "password",
  "passfile",
  "sslmode",
  "sslrootcert",
  "sslcert",
  "sslkey",
]);

/** Whether a text is meant as the address of a PostgreSQL database. */
export const isPostgresUrl = (text: string): boolean => /^postgres(?:ql)?:\/\//i.test(text);

const readPem = (path: string | null): string | undefined => {
  if (path === null) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new DatabaseRefusedError(`can't read ${path}`, { cause: error });
  }
};

/**
 * TLS as a URL asks for it. Every mode but `no-verify` holds the certificate against the name, as
 * `verify-full` does: a connection that anybody may stand in the middle of is not what `require` says.
 */
const readTls = (query: URLSearchParams): TlsOptions | false => {
  const files = ["sslrootcert", "sslcert", "sslkey"].map((name) => query.get(name));
  const mode =
    query.get("sslmode") ?? (files.some((file) => file !== null) ? "require" : "disable");
  if (!tlsModes.includes(mode)) {
    throw new DatabaseRefusedError(`sslmode is one of ${tlsModes.join(", ")}`);
  }
  if (mode === "disable") return false;
  const [ca, cert, key] = files.map(readPem);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    rejectUnauthorized: mode !== "no-verify",
  };
};

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new DatabaseRefusedError("a % in it that stands for itself must be written %25");
  }
};

/** `postgres://NAME@/DATABASE?host=/FOLDER` has no host of its own, which `URL` takes for an error. */
const toUrl = (text: string): URL | null => {
  const standIn = text.replace(/^([a-z]+:\/\/)([^/?#]*@)?(?=[/?#]|$)/i, "$1$2.");
  return URL.canParse(standIn) ? new URL(standIn) : null;
};

/**
 * Takes the address of a database apart. A password that it does not hold comes from PGPASSWORD, or
 * from the file that `passfile`, PGPASSFILE or `~/.pgpass` names.
 *
 * @throws DatabaseRefusedError in one line, in which nothing secret stands.
 */
export const readDatabaseAddress = (text: string, environment: Environment): DatabaseAddress => {
  const url = isPostgresUrl(text) ? toUrl(text) : null;
  if (url === null) {
    throw new DatabaseRefusedError("a database is named as postgres://USER@HOST:PORT/NAME");
  }
  const query = url.searchParams;
  for (const name of query.keys()) {
    if (!parameters.has(name)) {
      throw new DatabaseRefusedError(`${name} is not a parameter of a database's address here`);
    }
  }
  const named = url.hostname === "." ? "" : decode(url.hostname).replace(/^\[(.+)\]$/, "$1");
  const host = query.get("host") ?? (named === "" ? "localhost" : named);
  const port = Number(query.get("port") ?? (url.port === "" ? DEFAULT_PORT : url.port));
  const user = query.get("user") ?? decode(url.username);
  const database = decode(url.pathname.slice(1));
  if (user === "") throw new DatabaseRefusedError("the address names no user: postgres://USER@…");
  if (database === "" || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new DatabaseRefusedError("the address names no database: postgres://USER@HOST:PORT/NAME");
  }
  const given = query.get("password") ?? decode(url.password);
  const place = { host, port, database, user };
  const password =
    given !== "" ? given : findPassword(place, { environment, passfile: query.get("passfile") });
  const at = host.includes(":") ? `[${host}]` : host;
  return {
    ...place,
    password: () => password,
    tls: readTls(query),
    shown: `postgres://${at}${host.startsWith("/") ? "" : `:${port}`}/${database}`,
  };
};

/** Whether a text that somebody may read along the way holds a password. */
export const holdsPassword = (text: string): boolean => {
  const url = isPostgresUrl(text) ? toUrl(text) : null;
  return url !== null && (url.password !== "" || url.searchParams.has("password"));
};
