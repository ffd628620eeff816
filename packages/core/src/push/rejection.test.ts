import { expect, test } from "vitest";
import { staleRejection, stampAheadRejection } from "./clock-rejection.ts";
import { rejectionCodes } from "./rejection.ts";
import { at, NOON, write } from "../../testing/samples.ts";

const ahead = [write({ stamp: at("2026-11-24T13:00:00.5Z") }), NOON, null] as const;
const rejections = [stampAheadRejection(...ahead), staleRejection(NOON)];

test.each(rejections)("[PUSH-4] $code points at updated_at and names it", (rejection) => {
  expect(rejectionCodes).toContain(rejection.code);
  expect(rejection.path).toBe("/updated_at");
  expect(rejection.message).toContain("updated_at");
});

test("[DATA-5] instants stand in messages as on the wire", () => {
  const { message } = stampAheadRejection(...ahead);
  expect(message).toContain("updated_at 2026-11-24T13:00:00.500000Z ");
  expect(message).toContain("(2026-11-24T12:00:00Z)");
  expect(staleRejection(NOON).message).toContain("2026-11-24T12:00:00Z");
});

test("no code stands twice", () => {
  expect(new Set(rejectionCodes).size).toBe(rejectionCodes.length);
});
