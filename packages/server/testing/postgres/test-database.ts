import { Client } from "pg";

/** Where a server of the tests is; no more is needed to use it, from any process. */
export type ServerPlace = {
  readonly port: number;
  /** The folder of its socket, over which nobody needs a password. */
  readonly socket: string;
};

/** The roles that every server of the tests has; only `postgres` is a superuser. */
export const OWNER = "synchro_owner";
export const APP = "synchro_app";

/** Of both roles over 127.0.0.1; with characters that a URL must escape. */
export const PASSWORD = "canary-§ecret/1";

export type TestRole = typeof OWNER | typeof APP | "postgres";

/** Enough for any use of the rooms; `postgres` comes over the socket, the others over 127.0.0.1. */
export const urlOf = (place: ServerPlace, role: TestRole, database: string): string =>
  role === "postgres"
    ? `postgres://postgres@/${database}?host=${encodeURIComponent(place.socket)}&port=${place.port}`
    : `postgres://${role}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${place.port}/${database}`;

/** Runs statements one after another, as a superuser unless told; answers the rows of the last. */
export const runSql = async (
  url: string,
  statements: readonly string[],
): Promise<readonly { readonly [column: string]: unknown }[]> => {
  const client = new Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  try {
    let rows: { readonly [column: string]: unknown }[] = [];
    for (const statement of statements) ({ rows } = await client.query(statement));
    return rows;
  } finally {
    await client.end();
  }
};

/** A database of its own, empty, that belongs to `synchro_owner`; `synchro_app` may connect. */
export type TestDatabase = {
  readonly name: string;
  readonly place: ServerPlace;
  /** Migrates; owns what it makes. */
  readonly ownerUrl: string;
  /** What a server uses: may do nothing but what it is granted. */
  readonly appUrl: string;
  /** A superuser: looks past every policy. */
  readonly superUrl: string;
  /** As a superuser. */
  readonly sql: (
    ...statements: readonly string[]
  ) => Promise<readonly { readonly [column: string]: unknown }[]>;
  /** Also while somebody is connected. Idempotent. */
  readonly drop: () => Promise<void>;
};

export const databaseAt = (place: ServerPlace, name: string): TestDatabase => {
  const superUrl = urlOf(place, "postgres", name);
  return {
    name,
    place,
    ownerUrl: urlOf(place, OWNER, name),
    appUrl: urlOf(place, APP, name),
    superUrl,
    sql: (...statements) => runSql(superUrl, statements),
    drop: async () => {
      const drop = `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`;
      await runSql(urlOf(place, "postgres", "postgres"), [drop]);
    },
  };
};

let made = 0;

export const createDatabase = async (place: ServerPlace): Promise<TestDatabase> => {
  made += 1;
  const name = `t${process.pid}_${made}`;
  await runSql(urlOf(place, "postgres", "postgres"), [
    `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`,
    `CREATE DATABASE ${name} OWNER ${OWNER} TEMPLATE template0 STRATEGY file_copy`,
  ]);
  return databaseAt(place, name);
};
