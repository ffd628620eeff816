import { drawEpoch } from "@synchro/core";
import { expect, test } from "vitest";
import { createRuntime, describeAgreement } from "./engines-agree.contract.ts";
import { fileHarness, memoryHarness } from "./sqlite/sqlite-harness.contract.ts";

describeAgreement("SQLite in memory", memoryHarness, 250);
describeAgreement("SQLite on a file", fileHarness("inline"), 30);

test("the engines of a pair draw the same epochs, one an opening", () => {
  const [model, real] = [createRuntime(), createRuntime()];
  const drawn = [model, real, model].map(({ runtime }) => drawEpoch(runtime));
  expect(drawn[0]).toBe(drawn[1]);
  expect(drawn[2]).not.toBe(drawn[0]);
});
