import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import type { ServerSettings } from "../../packages/server/testing/postgres/postgres-process.ts";
import { freePort } from "./child-program.ts";
import { type ClusterDatabases, startDatabases } from "./start-databases.ts";
import { type ClusterNode, startNode, synchro } from "./start-node.ts";
import { type RunningProxy, startHaproxy, startNginx } from "./start-proxy.ts";

export type ClusterOptions = {
  /** Where its data stand; stays, and can be started again. Absent: a temporary one, which goes. */
  readonly folder?: string;
  readonly nodes?: number;
  readonly replicas?: number;
  /** Of the proxy; absent: any free one. */
  readonly port?: number;
  readonly proxy?: "nginx" | "haproxy";
  /** Flags of `serve` for every node, in addition. */
  readonly flags?: readonly string[];
  /** Settings of PostgreSQL, such as `fsync: "off"` for tests. */
  readonly settings?: ServerSettings;
};

type Environment = { readonly [name: string]: string };

/** A primary, replicas, nodes and a proxy on this machine. */
export type Cluster = ClusterDatabases & {
  readonly folder: string;
  /** Where clients reach it. */
  readonly url: string;
  readonly nodes: readonly ClusterNode[];
  readonly proxy: RunningProxy;
  /** A token as `synchro token --space` has it, such as `shop-1=write`. */
  readonly mintToken: (...spaces: readonly string[]) => Promise<string>;
  /** Ends all of it, the clients' side first. Idempotent. */
  readonly stop: () => Promise<void>;
};

/** Runs a command of `synchro` to its end. @throws Error with what it says. */
const run = async (args: readonly string[], environment: Environment = {}): Promise<string> => {
  const [program = "", ...rest] = synchro(...args);
  const env = { ...process.env, ...environment };
  const { stdout } = await promisify(execFile)(program, rest, { env });
  return stdout.trim();
};

const makeFolder = (given: string | undefined): string => {
  const folder =
    given === undefined ? mkdtempSync(join(tmpdir(), "synchro-cluster-")) : resolve(given);
  mkdirSync(folder, { recursive: true });
  // PostgreSQL runs as a user of its own, in folders below.
  chmodSync(folder, 0o711);
  return folder;
};

const startNodes = async (
  options: ClusterOptions,
  of: { readonly folder: string; readonly keys: string; readonly databases: ClusterDatabases },
  stack: AsyncDisposableStack,
): Promise<readonly ClusterNode[]> => {
  const { folder, keys, databases } = of;
  // Passwords stand in the environment: everybody on a machine may read its command lines.
  const environment = {
    SYNCHRO_DATABASE: databases.primary.url,
    SYNCHRO_REPLICA: databases.replicas.map(({ url }) => url).join(","),
  };
  const starting = Array.from({ length: options.nodes ?? 3 }, async (_, index) =>
    startNode({
      name: `node-${index + 1}`,
      port: await freePort(),
      folder,
      flags: ["--keys", keys, ...(options.flags ?? [])],
      environment,
    }),
  );
  // Each is ended before the databases that it needs, all at the same time.
  stack.defer(async () => {
    const started = await Promise.allSettled(starting);
    const nodes = started.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    await Promise.all(nodes.map((node) => node.stop()));
  });
  return Promise.all(starting);
};

/**
 * Starts the topology of `deploy/compose.yaml` on this machine, from Debian's programs: a primary, a
 * replica that streams from it, three nodes of this checkout and nginx in front, on free ports of
 * 127.0.0.1. All of it ends with this process, however that ends.
 */
export const startCluster = async (options: ClusterOptions = {}): Promise<Cluster> => {
  const folder = makeFolder(options.folder);
  await using stack = new AsyncDisposableStack();
  if (options.folder === undefined)
    stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const keys = join(folder, "keys.json");
  const makingKeys = existsSync(keys) ? null : run(["key", "new", "--keys", keys]);
  const { replicas = 1, settings = {} } = options;
  const databases = stack.adopt(await startDatabases({ folder, replicas, settings }), (it) =>
    it.stop(),
  );
  const owner = { SYNCHRO_DATABASE: databases.ownerUrl };
  await run(["migrate", "--grant-to", databases.serverRole], owner);
  await makingKeys;
  const nodes = await startNodes(options, { folder, keys, databases }, stack);
  const startProxy = options.proxy === "haproxy" ? startHaproxy : startNginx;
  const places = nodes.map(({ port }) => `127.0.0.1:${port}`);
  const proxy = stack.adopt(
    await startProxy({ folder: join(folder, "proxy"), nodes: places, port: options.port ?? 0 }),
    (it) => it.stop(),
  );
  const started = stack.move();
  return {
    ...databases,
    folder,
    url: proxy.url,
    nodes,
    proxy,
    mintToken: (...spaces) => {
      const grants = spaces.flatMap((space) => ["--space", space]);
      return run(["token", ...grants, "--subject", "cluster", "--keys", keys]);
    },
    stop: () => started.disposeAsync(),
  };
};
