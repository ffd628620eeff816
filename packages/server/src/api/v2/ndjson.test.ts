import type { SpaceId } from "@synchro/core";
import { type Limits, type NdjsonLine, type WireRecord } from "@synchro/protocol";
import { afterEach, describe, expect, test } from "vitest";
import { openEvents } from "../../../testing/event-stream.ts";
import { startTestServer, type TestServer } from "../../../testing/start-test-server.ts";
import {
  changesPath,
  deletion,
  pull,
  push,
  type Query,
  reading,
  shop,
  sync,
} from "../../../testing/v2-requests.ts";
import { VirtualTime } from "../../../testing/virtual-time.ts";
import { type Authorize, authorizeAnybody } from "../../service/authorize.ts";

const NOW = "2026-11-24T10:00:00Z";
const LATER = "2026-11-24T10:00:01Z";

let server: TestServer;
let time: VirtualTime;
const start = async (
  limits: Partial<Limits> = {},
  authorize: Authorize = authorizeAnybody,
): Promise<void> => {
  time = new VirtualTime();
  server = await startTestServer({ runtime: time.runtime, limits, authorize });
};
afterEach(() => server.stop());

const ask = async (query: Query = {}, space = shop): Promise<Response> =>
  fetch(`${server.url}${changesPath(query, space)}`, {
    headers: { accept: "application/x-ndjson" },
  });

const linesOf = (text: string): readonly NdjsonLine[] =>
  text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as NdjsonLine]));

const answerLines = async (query: Query = {}, space = shop): Promise<readonly NdjsonLine[]> =>
  linesOf(await (await ask(query, space)).text());

const isRecord = (line: NdjsonLine): line is WireRecord => "collection" in line;

const keysOf = (lines: readonly NdjsonLine[]): readonly string[] =>
  lines.flatMap((line) => (isRecord(line) ? [line.key] : []));

/** What each line is, in the order of the answer. */
const kindsOf = (lines: readonly NdjsonLine[]): string =>
  lines
    .map((line) => {
      if (isRecord(line)) return "r";
      if ("reset" in line) return "R";
      if ("more" in line) return line.more ? "M" : "E";
      return "c";
    })
    .join("");

const fill = async (count: number): Promise<void> => {
  const keys = Array.from({ length: count }, (_, index) => `k${String(index).padStart(2, "0")}`);
  await push(
    server,
    keys.map((key) => reading(key, NOW)),
  );
};

describe("the lines to the letter", () => {
  test("[LIVE-4] [LIVE-5] records, a cursor after each page but the last, and a last line with digest", async () => {
    await start();
    await fill(5);
    const response = await ask({ limit: 2, collections: "readings" });
    expect(response.headers.get("content-type")).toBe("application/x-ndjson; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-store");
    const text = await response.text();
    expect(text.endsWith("\n")).toBe(true);
    const lines = linesOf(text);
    expect(kindsOf(lines)).toBe("rrcrrcrE");
    expect(lines[0]).toEqual({
      collection: "readings",
      key: "k00",
      seq: 1,
      updated_at: NOW,
      value: { expiration_date: "2026-12-01" },
    });
    expect(lines[2]).toEqual({ cursor: expect.any(String) });
    const json = await pull(server, { collections: "readings" });
    expect(lines.at(-1)).toEqual({ cursor: json.cursor, more: false, digest: json.digest });
  });

  test("[LIVE-4] a first line of its own where a reset is due, and an offer run brings all tombstones", async () => {
    await start();
    await fill(3);
    await push(
      server,
      ["k00", "k01", "k02"].map((key) => deletion(key, LATER)),
    );
    expect(kindsOf(await answerLines({ limit: 1 }))).toBe("E");
    const offer = await answerLines({ limit: 1, cursor: "?" });
    expect(offer[0]).toEqual({ reset: "offer" });
    expect(kindsOf(offer)).toBe("RrcrcrE");
    const { cursor } = await pull(server, { collections: "readings" });
    const drop = await answerLines({ cursor: cursor ?? "" });
    expect(drop[0]).toEqual({ reset: "drop" });
  });

  test("[LIVE-5] nothing new is one line; so is a space that does not exist", async () => {
    await start();
    await fill(1);
    const { cursor, digest } = await pull(server);
    const end = { cursor, more: false, digest };
    expect(await answerLines({ cursor: cursor ?? "" })).toEqual([end]);
    expect(await answerLines({}, "nowhere")).toEqual([
      { cursor: null, more: false, digest: (await pull(server, {}, "nowhere")).digest },
    ]);
    expect(await answerLines({ cursor: cursor ?? "" }, "nowhere")).toEqual([
      { reset: "offer" },
      { cursor: null, more: false, digest: expect.anything() },
    ]);
  });

  test("[LIVE-4] a value with line breaks in its texts is one line", async () => {
    await start();
    const value = { expiration_date: "2026-12-01", note: "a\nb\r\u2028\u0085" };
    await push(server, [reading("a", NOW, { value })]);
    const [line] = await answerLines();
    expect(line).toMatchObject({ value });
  });
});

describe("an answer that is long enough", () => {
  test("[LIVE-5] ends with more true at the limit of records, at the end of a page, without digest", async () => {
    await start({ ndjsonRecordsMax: 3 });
    await fill(7);
    const first = await answerLines({ limit: 2 });
    expect(kindsOf(first)).toBe("rrcrrM");
    expect(first.at(-1)).toEqual({ cursor: expect.any(String), more: true });
    const { cursor } = first.at(-1) as { readonly cursor: string };
    expect(kindsOf(await answerLines({ limit: 2, cursor }))).toBe("rrcrE");
  });

  test("[LIVE-5] ends with more true just at the limit where more is left", async () => {
    await start({ ndjsonRecordsMax: 4 });
    await fill(6);
    expect(kindsOf(await answerLines({ limit: 2 }))).toBe("rrcrrM");
  });

  test("[LIVE-5] ends with more false where nothing is left, also just at the limit", async () => {
    await start({ ndjsonRecordsMax: 4 });
    await fill(4);
    expect(kindsOf(await answerLines({ limit: 2 }))).toBe("rrcrrE");
  });

  /** Lets a second go by while the second page is read. */
  const slowSecondPage = (): void => {
    const { store } = server;
    const readPage = store.pull.bind(store);
    let reads = 0;
    store.pull = async (request) => {
      const outcome = await readPage(request);
      reads += 1;
      if (reads === 2) await time.advance(1_000);
      return outcome;
    };
  };

  test("[LIVE-5] ends with more true when its time is over", async () => {
    await start({ ndjsonMs: 1_000 });
    await fill(6);
    slowSecondPage();
    expect(kindsOf(await answerLines({ limit: 1 }))).toBe("rcrM");
  });

  test.each([
    [true, "rcrcrcrcrcrE"],
    [false, "rcM"],
  ])(
    "[LIVE-14] is authorised again between pages: %s, and nothing is sent that was read before a no",
    async (mayRead, kinds) => {
      let asked = 0;
      const authorize: Authorize = async () => {
        asked += 1;
        return asked < 3 || mayRead ? { kind: "allowed", subject: null } : { kind: "hidden" };
      };
      await start({ streamAuthorizeMs: 1_000 }, authorize);
      await fill(6);
      slowSecondPage();
      const lines = await answerLines({ limit: 1 });
      expect(asked).toBe(3);
      expect(kindsOf(lines)).toBe(kinds);
      if (!mayRead) expect(lines.at(-1)).toEqual({ ...lines[1], more: true });
    },
  );

  test("[LIVE-15] ends when the server stops, and says that more is left", async () => {
    await start();
    await fill(6);
    const { store } = server;
    const readPage = store.pull.bind(store);
    let reads = 0;
    let stopped: Promise<void> = Promise.resolve();
    store.pull = async (request) => {
      const outcome = await readPage(request);
      reads += 1;
      if (reads === 2) stopped = server.stop();
      return outcome;
    };
    expect(kindsOf(await answerLines({ limit: 1 }))).toBe("rcrM");
    await time.advance(1_000);
    await stopped;
    await start();
  });
});

describe("pages", () => {
  test("[LIVE-6] are of streamPageBytesMax bytes at most, or one record", async () => {
    await start({ streamPageBytesMax: 2_500 });
    const note = "x".repeat(800);
    const value = { expiration_date: "2026-12-01", note };
    const huge = { ...value, more: "x".repeat(5_000) };
    await push(server, [
      ...["a", "b", "c"].map((key) => reading(key, NOW, { value })),
      reading("d", NOW, { value: huge }),
      reading("e", NOW, { value: huge }),
    ]);
    expect(kindsOf(await answerLines())).toBe("rrcrcrcrE");
  });

  test("[LIVE-6] are each of a snapshot of its own: what is committed between two comes with a later one", async () => {
    await start();
    await fill(3);
    const { store } = server;
    const readPage = store.pull.bind(store);
    let reads = 0;
    store.pull = async (request) => {
      const outcome = await readPage(request);
      reads += 1;
      if (reads === 1) await push(server, [reading("k00", LATER), deletion("k01", LATER)]);
      return outcome;
    };
    const lines = await answerLines({ limit: 1 });
    expect(keysOf(lines)).toEqual(["k00", "k02", "k00", "k01"]);
    expect(lines.at(-1)).toMatchObject({ more: false, digest: { at: 5 } });
  });

  test("[RESET-1] a reset that falls due between two ends the answer, and stands first in the next", async () => {
    await start();
    await fill(6);
    const { cursor } = await pull(server, { limit: 2 });
    await push(server, [deletion("k00", LATER)]);
    // Not of a run from the beginning: a purge may overtake it.
    const { cursor: tip } = await pull(server, { cursor: cursor ?? "" });
    await push(
      server,
      ["k01", "k02", "k03"].map((key) => deletion(key, LATER)),
    );
    const { store } = server;
    const readPage = store.pull.bind(store);
    let reads = 0;
    store.pull = async (request) => {
      const outcome = await readPage(request);
      reads += 1;
      if (reads === 1) {
        await time.advance(2_000);
        await store.purge(shop as SpaceId, time.runtime.now());
      }
      return outcome;
    };
    const lines = await answerLines({ cursor: tip ?? "", limit: 1 });
    expect(kindsOf(lines)).toBe("rcM");
    const { cursor: saved } = lines[1] as { readonly cursor: string };
    expect(lines[2]).toEqual({ cursor: saved, more: true });
    const next = await answerLines({ cursor: saved });
    expect(next[0]).toEqual({ reset: "drop" });
    expect(kindsOf(next)).toBe("RrrE");
  });
});

describe("a client that saves at each cursor and resumes there", () => {
  type Held = Map<string, WireRecord>;
  type Device = { readonly held: Held; cursor: string; isWhole: boolean };

  /** Takes what came, up to the last whole line that ends a page. */
  const take = (device: Device, text: string): void => {
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    let unsaved: WireRecord[] = [];
    for (const line of linesOf(whole)) {
      if (isRecord(line)) unsaved.push(line);
      if (!("cursor" in line)) continue;
      for (const record of unsaved) device.held.set(record.key, record);
      unsaved = [];
      device.cursor = line.cursor ?? "";
      if ("more" in line) device.isWhole = !line.more;
    }
  };

  test("[LIVE-5] ends whole, wherever the first answer was cut, and knows when it is not", async () => {
    await start({ streamPageBytesMax: 200 });
    await fill(6);
    await push(server, [reading("k00", LATER), deletion("k03", LATER)]);
    const text = await (await ask()).text();
    const all = new Map(
      linesOf(text).flatMap((line) => (isRecord(line) ? [[line.key, line] as const] : [])),
    );
    expect(kindsOf(linesOf(text))).toBe("rcrcrcrcrE");
    const bytes = Buffer.from(text);
    const resumed = new Map<string, string>();
    for (let length = 0; length <= bytes.length; length += 1) {
      const device: Device = { held: new Map(), cursor: "", isWhole: false };
      take(device, bytes.subarray(0, length).toString("utf8"));
      // All but the last byte, the line feed, is not known to be whole.
      expect(device.isWhole).toBe(length === bytes.length);
      const { cursor } = device;
      const rest = resumed.get(cursor) ?? (await (await ask({ cursor })).text());
      resumed.set(cursor, rest);
      take(device, rest);
      expect(device.isWhole).toBe(true);
      expect(device.held).toEqual(all);
    }
  });
});

test("metrics count the records that are sent in every form", async () => {
  await start();
  await fill(3);
  const sent = async (): Promise<number> => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    return Number(/^synchro_records_total\{direction="sent"\} (\d+)$/m.exec(text)?.[1]);
  };
  expect(await sent()).toBe(0);
  await answerLines({ limit: 2 });
  expect(await sent()).toBe(3);
  await pull(server, { limit: 2 });
  expect(await sent()).toBe(5);
  await pull(server, { wait: 1 });
  expect(await sent()).toBe(8);
  await sync(server, { limit: 1 });
  expect(await sent()).toBe(9);
  const stream = await openEvents(`${server.url}${changesPath({ limit: 2 })}`);
  await stream.next();
  await stream.next();
  stream.close();
  expect(await sent()).toBe(12);
});
