import fc from "fast-check";
import { expect, test } from "vitest";
import { normaliseCode } from "./invitation-code.ts";

test("[DEVICE-2] whatever is typed, it is a code or none, and a code means itself", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 40 }), (text) => {
      const code = normaliseCode(text);
      if (code === null) return;
      expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{12}$/);
      expect(normaliseCode(code)).toBe(code);
    }),
  );
});
