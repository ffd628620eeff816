import { describe, expect, test } from "vitest";
import {
  type CursorPosition,
  decodeAck,
  decodeCursor,
  encodeAck,
  encodeCursor,
  headSeen,
} from "./cursor.ts";
import { batches, epochOf, readings } from "../testing/samples.ts";

const epoch = epochOf("0123456789abcdef0123");

describe("a cursor that no server made", () => {
  test.each([
    "",
    ".",
    "c1",
    "c1.e",
    "c1.e.5",
    "c1.e.5.-",
    "c1.e.5.-.*.",
    "c1.e.5.-.*.x",
    "c1.e.5.-.*.x.y.z",
    "c2.e.5.-.*",
    "C1.e.5.-.*",
    " c1.e.5.-.*",
    "c1.e.5.-.* ",
    "c1..5.-.*",
    "c1.E.5.-.*",
    "c1.e f.5.-.*",
    `c1.${"e".repeat(65)}.5.-.*`,
    "c1.e..-.*",
    "c1.e.-1.-.*",
    "c1.e.05.-.*",
    "c1.e.+5.-.*",
    "c1.e.5e3.-.*",
    "c1.e.0x5.-.*",
    "c1.e.9007199254740992.-.*",
    "c1.e.99999999999999999999.-.*",
    "c1.e.5-.-.*",
    "c1.e.-.-.*",
    "c1.e.5-x.-.*",
    "c1.e.5-07.-.*",
    "c1.e.5-7-9.-.*",
    "c1.e.5-9007199254740992.-.*",
    "c1.e.5..*",
    "c1.e.5.x.*",
    "c1.e.5.-1.*",
    "c1.e.5.--.*",
    "c1.e.5.-.**",
    "c1.e.5.-.Readings",
    "c1.e.5.-.readings~",
    "c1.e.5.-.~readings",
    "c1.e.5.-.readings~~batches",
    "c1.e.5.-.readings,batches",
    "c1.e.٥.-.*",
    "a1.e.5",
    "null",
    "\u0000",
    "9999999",
  ])("[RESET-2] %j is invalid, never an exception", (text) => {
    expect(decodeCursor(text)).toBe("invalid");
  });

  test("[RESET-2] as long a one as you like is judged at once", () => {
    expect(decodeCursor(".".repeat(1 << 22))).toBe("invalid");
    expect(decodeCursor(`c1.e.5.-.${"a~".repeat(1 << 20)}`)).toBe("invalid");
  });
});

describe("an ack that no server made", () => {
  test.each([
    "",
    "a1",
    "a1.e",
    "a1.e.",
    "a1..5",
    "a1.e.-5",
    "a1.e.05",
    "a1.e.5.",
    "a1.e.5.6",
    "a1.e.5.6.7.8",
    "a2.e.5",
    "a1.E.5",
    "a1.e.9007199254740992",
    "c1.e.5.-.*",
  ])("[RESET-2] %j is invalid, never an exception", (text) => {
    expect(decodeAck(text)).toBe("invalid");
  });
});

describe("comes back as it was made", () => {
  const positions: readonly CursorPosition[] = [
    { epoch, seq: 0, start: null, collections: null },
    { epoch, seq: 0, start: 0, collections: null },
    { epoch, seq: 4711, start: 12, collections: [readings] },
    { epoch, seq: Number.MAX_SAFE_INTEGER, start: Number.MAX_SAFE_INTEGER, collections: null },
    { epoch, seq: 1, start: null, collections: [batches, readings] },
    { epoch, seq: 1, start: null, collections: [] },
    { epoch, seq: 5, head: 7, start: null, collections: null },
    { epoch, seq: 5, head: 9, start: 7, collections: [readings] },
  ];
  test.each(positions)("[WORD-8] cursor %j", (position) => {
    expect(decodeCursor(encodeCursor(position))).toEqual(position);
  });

  test.each([0, 1, 4711, Number.MAX_SAFE_INTEGER])("[WORD-9] ack of head %i", (seq) => {
    expect(decodeAck(encodeAck({ epoch, seq }))).toEqual({ epoch, seq });
  });

  test("[PULL-10] all that are declared is not the empty set", () => {
    const position = { epoch, seq: 1, start: null };
    const all = encodeCursor({ ...position, collections: null });
    expect(all).not.toBe(encodeCursor({ ...position, collections: [] }));
  });
});

test.each([
  [{ seq: 5, start: null }, 5],
  [{ seq: 5, start: 7 }, 7],
  [{ seq: 9, start: 7 }, 9],
  [{ seq: 5, start: null, head: 8 }, 8],
  [{ seq: 5, start: 7, head: 8 }, 8],
])("[EPOCH-3] the holder of %j has seen up to %i", (place, head) => {
  expect(headSeen({ epoch, collections: null, ...place })).toBe(head);
});
