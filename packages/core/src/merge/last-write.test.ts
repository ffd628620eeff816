import { describe, expect, test } from "vitest";
import { lastWrite } from "./last-write.ts";
import { createPolicy } from "./create-policy.ts";
import { at, NOON, stored } from "../../testing/samples.ts";
import { addMicros, STAMP_MAX, STAMP_MIN } from "../stamp.ts";

const earlier = addMicros(NOON, -1);
const later = addMicros(NOON, 1);
const value = '{"a":1,"b":2}';
const other = '{"a":1}';

describe("last-write", () => {
  test.each([
    ["[LWW-1] an older change loses by a microsecond", value, earlier, other, "lose"],
    ["[LWW-1] an older change loses even if its content is equal", value, earlier, value, "lose"],
    ["[LWW-1] a newer change wins by a microsecond", value, later, other, "replace"],
    ["[LWW-1] a newer change wins even if its content is equal", value, later, value, "replace"],
    ["[LWW-2] the same change is the same", value, NOON, value, "same"],
    ["[LWW-2] … in another order of members", value, NOON, '{"b":2.0,"a":1}', "same"],
    ["[LWW-3] at a tie with other content the stored record stays", value, NOON, other, "lose"],
    ["[LWW-3] … also where the other content is greater", value, NOON, '{"z":9}', "lose"],
    ["[LWW-4] an older delete loses", value, earlier, null, "lose"],
    ["[LWW-4] a newer delete wins", value, later, null, "replace"],
    ["[LWW-4] at a tie a delete loses to a stored value", value, NOON, null, "lose"],
    ["[LWW-4] at a tie a value loses to a stored delete", null, NOON, value, "lose"],
    ["[LWW-4] an older value loses to a delete", null, earlier, value, "lose"],
    ["[LWW-4] a newer value wins over a delete", null, later, value, "replace"],
    ["[LWW-4] the same delete is the same", null, NOON, null, "same"],
    ["[LWW-1] the last instant there is wins", value, STAMP_MAX, other, "replace"],
    ["[LWW-1] the first instant there is loses", value, STAMP_MIN, other, "lose"],
  ] as const)("%s", (_, storedValue, stamp, proposed, verdict) => {
    const judged = lastWrite.judge(stored({ value: storedValue }), {
      stamp,
      value: proposed,
      fieldState: null,
    });
    expect(judged).toBe(verdict);
  });

  test("[LWW-5] to an absent record any change is new", () => {
    expect(lastWrite.judge(null, { stamp: NOON, value: null, fieldState: null })).toBe("replace");
  });

  test("[LWW-1] years before 1000 are older than years after", () => {
    const early = stored({ stamp: at("0999-12-31T23:59:59.999999Z") });
    const proposed = { stamp: at("1000-01-01T00:00:00Z"), value, fieldState: null };
    expect(lastWrite.judge(early, proposed)).toBe("replace");
  });
});

test("the rules name the policy", () => {
  expect(createPolicy("last-write", 1)).toBe(lastWrite);
  expect(lastWrite.name).toBe("last-write");
  expect(createPolicy({ functions: {}, required: [] }, 1).name).toBe("fields");
});
