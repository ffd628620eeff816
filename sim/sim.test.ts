import { describe, expect, test } from "vitest";
import type { StartClient } from "./client/client.ts";
import { startProgram } from "./client/start-program.ts";
import type { Transport } from "./network.ts";
import { readRegressions } from "./regressions/read-regressions.ts";
import { reportOf, runSeed } from "./run-seed.ts";
import type { RunOutcome } from "./simulate.ts";
import { noTrim } from "./trim.ts";

const run = (seed: number, startClient: StartClient = startProgram): Promise<RunOutcome> =>
  runSeed({ seed, engine: "memory", startClient });

describe("what once failed does not fail again", () => {
  test.each(readRegressions())("$file: $found", async ({ seed, engine, trim = noTrim }) => {
    const outcome = await runSeed({ seed, engine, trim });
    if (outcome.failure !== null) expect.fail(reportOf(outcome));
  });
});

describe("the oracle sees what is wrong", () => {
  const withRequests =
    (alter: (request: Transport["request"]) => Transport["request"]): StartClient =>
    (deps) => {
      const { transport } = deps;
      const altered = { ...transport, request: alter(transport.request) };
      return startProgram({ ...deps, mode: "sync", transport: altered });
    };

  const firstFailure = async (startClient: StartClient): Promise<string | null> => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const { failure } = await run(seed, startClient);
      if (failure !== null) return failure;
    }
    return null;
  };

  test("[PULL-1] a record that never arrives is missed", async () => {
    const losing = withRequests((request) => async (...parts) => {
      const answer = await request(...parts);
      if (answer === null) return null;
      return { ...answer, body: answer.body.replace(/"changes":\[\{.*?\}\},?/, '"changes":[') };
    });
    expect(await firstFailure(losing)).toMatch(/PULL-1|DIGEST-1/);
  });

  test("[CLIENT-2] a push that is never answered keeps its device from rest", async () => {
    const deaf = withRequests((request) => async (wish, options) => {
      const answer = await request(wish, options);
      return wish.kind === "sync" && !wish.body.includes('"changes":[]') ? null : answer;
    });
    expect(await firstFailure(deaf)).toMatch(/changes wait/);
  });
});

describe("a simulated program touches nothing real", () => {
  test.each<[string, () => unknown]>([
    ["the time", () => Date.now()],
    ["a date of now", () => new Date()],
    ["chance", () => Math.random()],
    ["a timer", () => setTimeout(() => {}, 0)],
    ["a monotonic clock", () => performance.now()],
    ["the machine's randomness", () => crypto.getRandomValues(new Uint8Array(1))],
  ])("%s is refused, and the run fails", async (_, reach) => {
    const outcome = await run(1, (deps) => {
      reach();
      return startProgram(deps);
    });
    expect(outcome.failure).toMatch(/used the real/);
  });

  test("what is real is there again after a run", async () => {
    await run(1);
    expect(Date.now()).toBeGreaterThan(0);
    expect(new Date().getTime()).toBeGreaterThan(0);
  });
});
