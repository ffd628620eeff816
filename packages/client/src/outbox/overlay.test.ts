import { describe, expect, test } from "vitest";
import { at, held, readings } from "../../testing/outbox-samples.ts";
import type { EntryId, OutboxEntry } from "../store/outbox-entry.ts";
import { overlay, overlayAll } from "./overlay.ts";
import { NOTHING_REPLACED } from "./replaced.ts";

const entry = (id: EntryId, more: Partial<OutboxEntry> = {}): OutboxEntry => ({
  id,
  collection: readings,
  key: "a",
  value: `{"n":${id}}`,
  stamp: null,
  replaced: NOTHING_REPLACED,
  author: null,
  isOffer: false,
  editedAt: at(0),
  schemaVersion: 1,
  ...more,
});

const offer = (id: EntryId, seconds: number): OutboxEntry =>
  entry(id, { isOffer: true, stamp: at(seconds) });

describe("the user sees", () => {
  test("nothing where there is nothing", () => {
    expect(overlay(null, [])).toBeNull();
  });

  test("what the server gave, tombstones as such", () => {
    expect(overlay(held("a"), [])).toMatchObject({ from: "server", value: '{"held":true}' });
    expect(overlay(held("a", { value: null }), [])).toMatchObject({ from: "server", value: null });
  });

  test("the own edit over it, the newest of several, deletes included, whatever the stamps say", () => {
    const sent = entry(1, { stamp: at(-900) });
    expect(overlay(held("a"), [sent])).toMatchObject({ from: "outbox", value: '{"n":1}' });
    expect(overlay(held("a"), [sent, entry(2, { value: null })])).toMatchObject({ value: null });
    expect(overlay(null, [sent, entry(2)])).toMatchObject({ value: '{"n":2}' });
  });

  test("the own edit over an offer that was made later", () => {
    expect(overlay(held("a"), [entry(1), offer(2, 500)])).toMatchObject({ value: '{"n":1}' });
  });

  test("an offer only while it is newer than what the server gave", () => {
    expect(overlay(held("a", { stamp: at(4) }), [offer(1, 5)])).toMatchObject({ value: '{"n":1}' });
    expect(overlay(held("a", { stamp: at(5) }), [offer(1, 5)])).toMatchObject({ from: "server" });
    expect(overlay(null, [offer(1, 6), offer(2, 5)])).toMatchObject({ value: '{"n":1}' });
  });
});

test("many records at once: each with its own entries, and those of no record too", () => {
  const entries = [entry(1), entry(2, { key: "c" }), entry(3), entry(4, { key: "__proto__" })];
  const seen = overlayAll([held("a"), held("b")], entries);
  expect([...seen].map(([key, { value }]) => [key, value])).toEqual([
    ["a", '{"n":3}'],
    ["b", '{"held":true}'],
    ["c", '{"n":2}'],
    ["__proto__", '{"n":4}'],
  ]);
});
