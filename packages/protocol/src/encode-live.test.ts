import type { Cursor, SpaceId, Stamp } from "@synchro/core";
import type { TSchema } from "typebox";
import { describe, expect, test } from "vitest";
import { createChecker } from "./checker.ts";
import { encodeStreamEvent } from "./encode-answer.ts";
import {
  encodeLiveChanges,
  encodeLiveError,
  encodeLiveResults,
  encodeLiveSubscribed,
  encodeLiveWelcome,
  LIVE_PONG,
} from "./encode-live.ts";
import { defaultLimits } from "./limits.ts";
import { problemOf } from "./messages/problem.ts";
import { createWireSchemas } from "./wire-schemas.ts";

const space = "shop-1" as SpaceId;
const now = "2026-11-24T10:00:00.000000Z" as Stamp;
const page = {
  reset: "drop",
  more: true,
  cursor: "c1.k7f2m9.4711.-" as Cursor,
  digest: null,
  records: [],
} as const;
/** What an id may hold, and JSON must escape. */
const id = '"}\n\u{1f600}';
const schemas: { readonly [name: string]: TSchema } = createWireSchemas();

describe("a frame of the server's fits its schema", () => {
  test.each<[string, string]>([
    ["LiveChanges", encodeLiveChanges(space, page)],
    ["LiveResults", encodeLiveResults(id, { now, push: null, records: [] })],
    ["LiveSubscribed", encodeLiveSubscribed(id, space)],
    ["LiveWelcome", encodeLiveWelcome(now, defaultLimits)],
    ["LivePong", LIVE_PONG],
    [
      "LiveError",
      encodeLiveError({ id, retryAfterMs: 7, problem: problemOf("unavailable", "not now") }),
    ],
    [
      "LiveError",
      encodeLiveError({ id: null, retryAfterMs: null, problem: problemOf("bad_json", "no") }),
    ],
  ])("%s", (name, text) => {
    const frame: unknown = JSON.parse(text);
    const schema = schemas[name];
    if (schema === undefined) throw new Error(`no schema ${name}`);
    expect(createChecker(schema)(frame)).toEqual({ kind: "ok", message: frame });
    if (text.includes('"id"')) expect(frame).toMatchObject({ id });
  });
});

test("changes are an event of a stream with two members before it", () => {
  const event: unknown = JSON.parse(encodeStreamEvent(page));
  expect(JSON.parse(encodeLiveChanges(space, page))).toEqual({
    type: "changes",
    space,
    ...(event as object),
  });
});
