import { rejectionCodes } from "@synchro/core";
import { describe, expect, test } from "vitest";
import { type ProblemEntry, problems, rejections } from "./error-code.ts";
import { createChecker } from "./checker.ts";
import { PROBLEM_MEDIA_TYPE, problemOf, problemSchema } from "./messages/problem.ts";

const listed = Object.entries<ProblemEntry>(problems);

describe("problems", () => {
  test.each(listed)("%s has a status of an error and words", (code, entry) => {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(entry.status).toBeGreaterThanOrEqual(400);
    expect(entry.status).toBeLessThan(600);
    expect(entry.title).not.toMatch(/\.$/);
    expect(entry.meaning).toMatch(/\.\)?$/);
    expect(entry.remedy).toMatch(/\.$/);
  });

  test("stand by status", () => {
    const statuses = listed.map(([, { status }]) => status);
    expect(statuses).toEqual(statuses.toSorted((a, b) => a - b));
  });

  test("a problem document has RFC 9457's members and the code", () => {
    expect(problemOf("not_found", "no such path")).toEqual({
      type: "urn:synchro:error:not_found",
      title: "Nothing here",
      status: 404,
      code: "not_found",
      detail: "no such path",
    });
    const errors = [{ path: "/limit", message: "limit must be an integer" }];
    const problem = problemOf("bad_request", "limit must be an integer", errors);
    expect(problem.errors).toEqual(errors);
    expect(createChecker(problemSchema)(problem).kind).toBe("ok");
    expect(PROBLEM_MEDIA_TYPE).toBe("application/problem+json");
  });
});

describe("rejections", () => {
  test("every code of core, in core's order, and no other", () => {
    expect(Object.keys(rejections)).toEqual(rejectionCodes);
  });

  test("within `rejected` every code is final but stamp_ahead", () => {
    const passing = rejectionCodes.filter((code) => !rejections[code].isFinal);
    expect(passing).toEqual(["stamp_ahead"]);
  });

  test("no code means two things", () => {
    expect(rejectionCodes.filter((code) => code in problems)).toEqual([]);
  });
});
