import { expect, test } from "vitest";
import { sha256 } from "../../testing/sha256.ts";
import { keptRefusal } from "./kept-refusal.ts";
import type { Rejection } from "./rejection.ts";

const rejection: Rejection = { code: "bad_key", message: "key must be a string", path: "/key" };

test("[EVID-7] a text of rejectedBytesMax bytes is kept, a longer one is left out", () => {
  const limits = { rejectedBytesMax: 4, sha256 };
  expect(keptRefusal(rejection, "éé", limits)).toEqual({ rejection, body: "éé" });
  expect(keptRefusal(rejection, "ééa", limits)).toMatchObject({ rejection, body: null });
});

test("[EVID-8] two texts that were left out are told apart", () => {
  const hashOf = (text: string) => keptRefusal(rejection, text, { rejectedBytesMax: 0, sha256 });
  expect(hashOf("a")).toEqual(hashOf("a"));
  expect(hashOf("a")).not.toEqual(hashOf("b"));
  expect(hashOf("a").bodyHash).toMatch(/^[0-9a-f]{64}$/);
});
