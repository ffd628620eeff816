import { afterEach, describe, expect, test, vi } from "vitest";
import {
  startTestServer,
  type TestServer,
  type TestServerOptions,
} from "../../../testing/start-test-server.ts";
import { changesPath, get, problemOf, push, reading } from "../../../testing/v2-requests.ts";
import { VirtualTime } from "../../../testing/virtual-time.ts";

const NOW = "2026-11-24T10:00:00Z";

let server: TestServer;
const start = async (options: TestServerOptions = {}): Promise<void> => {
  server = await startTestServer({ runtime: new VirtualTime().runtime, ...options });
};
afterEach(() => server.stop());

const fill = (count: number): Promise<unknown> =>
  push(
    server,
    Array.from({ length: count }, (_, index) => reading(`k${index}`, NOW)),
  );

describe.each([
  ["text/event-stream", "\n\n"],
  ["application/x-ndjson", "\n"],
])("an answer in %s whose store fails", (accept, ending) => {
  /** Reads that fail after so many, once `isTime`. */
  const breakAfter = (reads: number, isTime: Promise<void> = Promise.resolve()): void => {
    const { store } = server;
    const read = store.pull.bind(store);
    let count = 0;
    store.pull = async (request) => {
      count += 1;
      if (count <= reads) return read(request);
      await isTime;
      throw new Error("no luck");
    };
  };

  test("midway is cut after a whole page, with no end that a client could take for one", async () => {
    await start();
    await fill(6);
    const came = Promise.withResolvers<void>();
    breakAfter(2, came.promise);
    const response = await fetch(`${server.url}${changesPath({ limit: 2 })}`, {
      headers: { accept },
    });
    let text = "";
    const readAll = async (): Promise<void> => {
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? []) {
        text += decoder.decode(chunk);
        if (text.includes('"k3"') && text.endsWith(ending)) came.resolve();
      }
    };
    await expect(readAll()).rejects.toThrow("terminated");
    expect(text).toContain('"k3"');
    expect(text).not.toContain('"digest"');
    expect(server.services.hub.spaces()).toBe(0);
  });

  test("before its first page is 500", async () => {
    await start();
    breakAfter(0);
    expect(problemOf(await get(server, changesPath(), { accept }), 500).code).toBe("internal");
    expect(server.services.hub.spaces()).toBe(0);
  });
});

describe("places", () => {
  test("[LIVE-13] an NDJSON answer, and a long poll, give their places back", async () => {
    await start({ limits: { streamsMax: 1 } });
    await fill(1);
    for (let round = 0; round < 3; round += 1) {
      const lines = await fetch(`${server.url}${changesPath()}`, {
        headers: { accept: "application/x-ndjson" },
      });
      expect(lines.status).toBe(200);
      await lines.text();
      await vi.waitFor(async () =>
        expect((await get(server, changesPath({ wait: 1 }))).status).toBe(200),
      );
    }
    expect(server.services.hub.spaces()).toBe(0);
  });
});
