import type { WireSyncAnswer } from "@synchro/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../../testing/start-test-server.ts";
import { get, pull, push, reading, sync } from "../../../testing/v2-requests.ts";
import { VirtualTime } from "../../../testing/virtual-time.ts";

const NOW = "2026-11-24T10:00:00Z";
const OLD = "2026-11-24T08:00:00Z";

/** The bytes that a record with this value counts are near 1,000: two fit into a limit, three don't. */
const large = { expiration_date: "2026-12-01", note: "x".repeat(800) };

let server: TestServer;
beforeAll(async () => {
  const limits = { lostBytesMax: 2_500, pageBytesMax: 2_500 };
  server = await startTestServer({ limits, runtime: new VirtualTime().runtime });
});
afterAll(() => server.stop());

const keys = ["a", "b", "c", "d", "e"];

const seqsOf = ({ changes }: Pick<WireSyncAnswer, "changes">): readonly number[] =>
  changes.map(({ seq }) => seq);

describe("results that answer a prefix", () => {
  const losing = keys.map((key) => reading(key, OLD));

  test("[PUSH-11] stop where the records that beat changes would pass the limit, and nothing after is applied", async () => {
    const space = "prefix-1";
    await push(
      server,
      keys.map((key) => reading(key, NOW, { value: large })),
      space,
    );
    const changes = [...losing, reading("new", NOW)];
    const answer = await sync(server, { client_id: "c1", changes, pull: false }, space);
    expect(answer.results).toEqual([{ superseded: 1 }, { superseded: 2 }]);
    expect(seqsOf(answer)).toEqual([1, 2]);
    expect((await pull(server, { collections: "readings", limit: 1 }, space)).changes).toHaveLength(
      1,
    );
    const evidence = await get(server, `/v2/spaces/${space}/evidence?collection=readings`);
    expect(evidence.json).toMatchObject({ evidence: [{ key: "b" }, { key: "a" }] });

    // The client sends the rest until all is answered.
    const rest = await sync(server, { changes: changes.slice(2), pull: false }, space);
    expect(rest.results).toEqual([{ superseded: 3 }, { superseded: 4 }]);
    const last = await sync(server, { changes: changes.slice(4), pull: false }, space);
    expect(last.results).toEqual([{ superseded: 5 }, { seq: 6 }]);
  });

  test("[PUSH-11] a change that was applied before the stop stays, and its seq is told", async () => {
    const space = "prefix-2";
    await push(
      server,
      keys.map((key) => reading(key, NOW, { value: large })),
      space,
    );
    const changes = [reading("new", NOW), ...losing, reading("newer", NOW)];
    const answer = await sync(server, { changes, pull: false }, space);
    expect(answer.results).toEqual([{ seq: 6 }, { superseded: 1 }, { superseded: 2 }]);
    const again = await sync(server, { changes, pull: false }, space);
    expect(again.results).toEqual(answer.results);
    expect((await sync(server, { changes: [reading("newer", NOW)] }, space)).results).toEqual([
      { seq: 7 },
    ]);
  });

  test("[PUSH-11] hold at least one, however large the record that beat it", async () => {
    const space = "prefix-3";
    const value = { ...large, note: "x".repeat(1_000), more: "x".repeat(5_000) };
    await push(
      server,
      keys.map((key) => reading(key, NOW, { value })),
      space,
    );
    const answer = await sync(server, { changes: losing, pull: false }, space);
    expect(answer.results).toEqual([{ superseded: 1 }]);
    expect(seqsOf(answer)).toEqual([1]);
  });

  test("[PUSH-11] [PULL-6] beside a page, which has its own limit", async () => {
    const space = "prefix-4";
    await push(
      server,
      keys.map((key) => reading(key, NOW, { value: large })),
      space,
    );
    const answer = await sync(server, { changes: losing.toReversed() }, space);
    expect(answer.results).toEqual([{ superseded: 5 }, { superseded: 4 }]);
    expect(seqsOf(answer)).toEqual([5, 4, 1, 2]);
    expect(answer).toMatchObject({ more: true });
  });

  test("changes that win, and rejections, are all answered, for they cost no records", async () => {
    const space = "prefix-5";
    await push(
      server,
      keys.map((key) => reading(key, OLD, { value: large })),
      space,
    );
    const winning = keys.map((key) => reading(key, NOW, { value: large }));
    const changes = [...winning, reading("bad", "x"), reading("ahead", "2027-01-01T00:00:00Z")];
    expect((await sync(server, { changes, pull: false }, space)).results).toHaveLength(7);
  });
});

describe("a page", () => {
  test("[PULL-3] ends at its bytes, and holds at least one record", async () => {
    const space = "page-1";
    await push(
      server,
      keys.map((key) => reading(key, NOW, { value: large })),
      space,
    );
    const huge = { ...large, more: "x".repeat(10_000) };
    await push(server, [reading("huge", NOW, { value: huge }), reading("small", NOW)], space);
    const pages: (readonly number[])[] = [];
    for (let cursor: string | null = null, more = true; more;) {
      const answer: WireSyncAnswer = await sync(server, { cursor }, space);
      pages.push(seqsOf(answer));
      ({ cursor = null, more = false } = answer);
    }
    expect(pages).toEqual([[1, 2], [3, 4], [5], [6], [7]]);
  });
});
