import { DatabaseError } from "pg";
import { describe, expect, test } from "vitest";
import { StoreUnavailableError } from "../store/store-unavailable-error.ts";
import { failureOf, isServerError, unavailableOf } from "./postgres-failure.ts";

const ofServer = (code: string): DatabaseError => {
  const error = new DatabaseError("it failed", 9, "error");
  error.code = code;
  return error;
};

const ofNetwork = (code: string): Error => Object.assign(new Error(`read ${code}`), { code });

describe("a failure is judged", () => {
  test.each([
    ["53100", "full"],
    ["53000", "full"],
    ["53200", "busy"],
    ["53300", "lost"],
    ["40001", "busy"],
    ["40P01", "busy"],
    ["55P03", "busy"],
    ["57014", "busy"],
    ["57P01", "lost"],
    ["57P02", "lost"],
    ["57P03", "lost"],
    ["08006", "lost"],
    ["08P01", "lost"],
    ["25006", "lost"],
    ["23505", "defect"],
    ["42P01", "defect"],
    ["42501", "defect"],
    ["XX001", "defect"],
  ])("%s of the server: %s", (code, failure) => {
    expect(failureOf(ofServer(code))).toBe(failure);
  });

  test.each([
    ofNetwork("ECONNREFUSED"),
    ofNetwork("ECONNRESET"),
    ofNetwork("EPIPE"),
    ofNetwork("ETIMEDOUT"),
    new Error("Connection terminated unexpectedly"),
    new Error("Connection terminated"),
    new Error("Client was closed and is not queryable"),
    new Error("Client has encountered a connection error and is not queryable"),
    new Error("timeout expired"),
  ])("%s: lost", (error) => {
    expect(failureOf(error)).toBe("lost");
  });

  test.each([new TypeError("x is not a function"), ofNetwork("ERR_ASSERTION"), "text", null])(
    "%s: a defect, told as it is",
    (error) => {
      expect(failureOf(error)).toBe("defect");
      expect(unavailableOf(error)).toBe(error);
    },
  );
});

test("what is told to the caller keeps its reason, also where it was judged before", () => {
  expect(unavailableOf(ofServer("55P03"))).toMatchObject({ reason: "busy" });
  expect(unavailableOf(ofNetwork("EPIPE"))).toMatchObject({ reason: "lost" });
  const unknown = new StoreUnavailableError("unknown", "Connection terminated");
  expect(unavailableOf(unknown)).toBe(unknown);
  expect(failureOf(new StoreUnavailableError("busy", "x"))).toBe("busy");
});

test("of a commit only an answer of a server that goes on says that nothing stands", () => {
  expect(isServerError(ofServer("40001"))).toBe(true);
  expect(isServerError(ofServer("23505"))).toBe(true);
  expect(isServerError(ofServer("57P01"))).toBe(false);
  expect(isServerError(new Error("Connection terminated unexpectedly"))).toBe(false);
  expect(isServerError(new TypeError("whatever"))).toBe(false);
});
