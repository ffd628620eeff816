import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultLimits, type Limits } from "@synchro/protocol";
import { createMintDeviceToken, createMintToken } from "../src/access/mint-token.ts";
import { adminRoutes } from "../src/api/admin/admin-routes.ts";
import type { ControlStore } from "../src/control/control-store.ts";
import { openSqliteControlStore } from "../src/control/sqlite/open-sqlite-control-store.ts";
import { MemoryStore } from "../src/store/memory/memory-store.ts";
import type { Store } from "../src/store/store.ts";
import { names, testAccess, type TestAccess } from "./access-fixture.ts";
import { startTestServer, type TestServer } from "./start-test-server.ts";
import { VirtualTime } from "./virtual-time.ts";

export type TokenServer = TestServer & {
  readonly access: TestAccess;
  readonly control: ControlStore;
  readonly time: VirtualTime;
  /** Sends a request with a token, or with none. */
  readonly fetch: (token: string | null, path: string, init?: RequestInit) => Promise<Response>;
};

/** A whole server that asks for tokens, over a control store on the disk; its time is the test's. */
export const startTokenServer = async (limits: Partial<Limits> = {}): Promise<TokenServer> => {
  const dataDir = mkdtempSync(join(tmpdir(), "synchro-tokens-"));
  const time = new VirtualTime();
  const { runtime } = time;
  const control = await openSqliteControlStore({ dataDir });
  const access = await testAccess(time, limits, control);
  const { identify, authorize } = access;
  const mint = createMintToken({ keyRing: access.ring, names, runtime });
  let store: Store | null = null;
  const server = await startTestServer({
    runtime,
    limits,
    identify,
    authorize,
    quotaOf: access.quotaOf,
    access: { kind: "tokens", identify },
    openStore: (of) => (store = new MemoryStore(of)),
    routes: [
      (app) => {
        if (store === null) throw new Error("routes come after the store");
        const deps = { control, store, identify, authorize, runtime, publicUrl: null };
        const all = { ...defaultLimits, ...limits };
        const mintDeviceToken = createMintDeviceToken(mint);
        return adminRoutes({ ...deps, limits: all, mintDeviceToken })(app);
      },
    ],
  });
  return {
    ...server,
    access,
    control,
    time,
    fetch: (token, path, init = {}) => {
      const headers = new Headers(init.headers);
      if (token !== null) headers.set("authorization", `Bearer ${token}`);
      return fetch(`${server.url}${path}`, { ...init, headers });
    },
    stop: async () => {
      await server.stop();
      access.stop();
      await control.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
};
