import type { SpaceId } from "@synchro/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Hint } from "./bus.ts";
import { encodeHints, PAYLOAD_BYTES_MAX, readPayload } from "./hint-payload.ts";

const hints: fc.Arbitrary<readonly Hint[]> = fc.array(
  fc.record({
    space: fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,62}$/).map((text) => text as SpaceId),
    seq: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  }),
  { maxLength: 300, size: "max" },
);

test("what is encoded is read again, whole and in order, in messages that fit", () => {
  fc.assert(
    fc.property(hints, (sent) => {
      const payloads = encodeHints(sent);
      expect(payloads.every((payload) => Buffer.byteLength(payload) <= PAYLOAD_BYTES_MAX)).toBe(
        true,
      );
      const read = payloads.map(readPayload);
      expect(read.flatMap((each) => each.hints)).toEqual(sent);
      expect(read.every(({ isGap, malformed }) => !isGap && malformed === 0)).toBe(true);
    }),
  );
});

test("as few messages as can be: none could take the next one's first hint", () => {
  fc.assert(
    fc.property(hints, (sent) => {
      const payloads = encodeHints(sent);
      payloads.slice(1).forEach((payload, index) => {
        const [first = ""] = payload.split(" ");
        const before = payloads[index] ?? "";
        expect(before.length + 1 + first.length).toBeGreaterThan(PAYLOAD_BYTES_MAX);
      });
    }),
  );
});

test("whatever is written, nothing is thrown and every hint is of a well-formed space", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 9_000 }), (payload) => {
      for (const { space, seq } of readPayload(payload).hints) {
        expect(space).toMatch(/^[a-z0-9][a-z0-9._-]{0,62}$/);
        expect(Number.isSafeInteger(seq)).toBe(true);
      }
    }),
  );
});
