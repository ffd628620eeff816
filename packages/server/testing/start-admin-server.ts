import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addMicros, type Runtime, type SpaceId } from "@synchro/core";
import { defaultLimits } from "@synchro/protocol";
import { type Grants, includesLevel, type Level, levelIn } from "../src/access/grants.ts";
import type { AdminDeps } from "../src/api/admin/admin-deps.ts";
import { adminRoutes } from "../src/api/admin/admin-routes.ts";
import type { ControlStore } from "../src/control/control-store.ts";
import { openSqliteControlStore } from "../src/control/sqlite/open-sqlite-control-store.ts";
import {
  type Authorize,
  authorizeAnybody,
  type Identify,
  identifyAnybody,
} from "../src/service/authorize.ts";
import { MemoryStore } from "../src/store/memory/memory-store.ts";
import type { Store } from "../src/store/store.ts";
import { startTestServer, type TestServer } from "./start-test-server.ts";
import { type Reply, replyOf } from "./v2-requests.ts";
import { VirtualTime } from "./virtual-time.ts";

/** Who holds what, by the token that a test sends. */
export const holders = {
  operator: { "*": "admin" },
  watcher: { "*": "write" },
  keeper: { "shop-1": "admin" },
  clerk: { "shop-1": "write" },
  stranger: { "shop-2": "admin" },
  both: { "shop-1": "admin", "shop-2": "read" },
} as const satisfies { readonly [name: string]: { readonly [space: string]: Level } };

export type Holder = keyof typeof holders;

const grantsOf = (token: string | null): Grants | null =>
  token !== null && Object.hasOwn(holders, token)
    ? (new Map(Object.entries(holders[token as Holder])) as Grants)
    : null;

const identify: Identify = async ({ token }) => {
  const grants = grantsOf(token);
  return grants === null
    ? { kind: "unauthorized" }
    : { kind: "known", principal: { subject: token, grants } };
};

const createAuthorize =
  (control: ControlStore): Authorize =>
  async ({ token }, space, action) => {
    const grants = grantsOf(token);
    if (grants === null) return { kind: "unauthorized" };
    const { deletedSpaces } = await control.readAccess();
    const level = levelIn(grants, space);
    if (level === null || deletedSpaces.has(space)) return { kind: "hidden" };
    if (!includesLevel(level, action)) return { kind: "forbidden" };
    return { kind: "allowed", subject: token };
  };

export type AdminServer = TestServer & {
  readonly control: ControlStore;
  /** Where the control store lies. */
  readonly dataDir: string;
  readonly time: VirtualTime;
  /** Sends a request as the holder of a token, or with none; the body as JSON where there is one. */
  readonly ask: (
    holder: Holder | null,
    request: string,
    body?: unknown,
    headers?: { readonly [name: string]: string },
  ) => Promise<Reply>;
};

const DAY = 86_400_000_000;

/** Writes what a token would say, so that a test can read it. */
const mintDeviceToken =
  (runtime: Runtime): NonNullable<AdminDeps["mintDeviceToken"]> =>
  async (device) => ({ token: `token-of-${device.id}`, expiresAt: addMicros(runtime.now(), DAY) });

/** A server with the administrators' routes, over a control store on the disk; its time is the test's. */
export const startAdminServer = async (
  options: {
    readonly isOpen?: boolean;
    readonly publicUrl?: string;
    /** Of a space, live records. */
    readonly quotas?: { readonly [space: string]: number };
    readonly control?: (store: ControlStore) => ControlStore;
  } = {},
): Promise<AdminServer> => {
  const dataDir = mkdtempSync(join(tmpdir(), "synchro-admin-"));
  const { isOpen = false, publicUrl = null, quotas = {} } = options;
  const time = new VirtualTime();
  const { runtime } = time;
  const opened = await openSqliteControlStore({ dataDir });
  const control = options.control?.(opened) ?? opened;
  const authorize = isOpen ? authorizeAnybody : createAuthorize(control);
  let store: Store | null = null;
  const server = await startTestServer({
    runtime,
    identify: isOpen ? identifyAnybody : identify,
    authorize,
    access: isOpen ? { kind: "open" } : { kind: "tokens", identify },
    quotaOf: (space: SpaceId) => quotas[space] ?? null,
    openStore: (of) => (store = new MemoryStore(of)),
    routes: [
      (app) => {
        if (store === null) throw new Error("routes come after the store");
        const mint = isOpen ? null : mintDeviceToken(runtime);
        const deps = { control, store, identify: isOpen ? identifyAnybody : identify, authorize };
        const more = { runtime, limits: defaultLimits, mintDeviceToken: mint, publicUrl };
        return adminRoutes({ ...deps, ...more })(app);
      },
    ],
  });
  return {
    ...server,
    control,
    dataDir,
    time,
    ask: async (holder, request, body, headers = {}) => {
      const [method = "GET", path = "/"] = request.split(" ");
      const response = await fetch(`${server.url}${path}`, {
        method,
        headers: {
          ...(holder === null ? {} : { authorization: `Bearer ${holder}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (response.status !== 204) return replyOf(response);
      return { status: 204, headers: response.headers, text: "", json: null };
    },
    stop: async () => {
      await server.stop();
      await opened.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
};
