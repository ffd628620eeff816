import { describe, expect, test } from "vitest";
import type { StartClient } from "./client/client.ts";
import { startNaiveClient } from "./client/naive-client.ts";
import type { Transport } from "./network.ts";
import { readRegressions } from "./regressions/read-regressions.ts";
import type { EngineName } from "./server/engine.ts";
import { type RunOutcome, simulate } from "./simulate.ts";
import { createCounters } from "./world/counters.ts";

/** Seeds of a whole run, the engines' shares one after another. */
const shares: readonly {
  readonly engine: EngineName;
  readonly from: number;
  readonly seeds: number;
}[] = [
  { engine: "memory", from: 1, seeds: 350 },
  { engine: "sqlite", from: 351, seeds: 150 },
];

/** One seed in so many is run twice. */
const TWICE_EVERY = 100;

const runMs = 240_000;

const totals = createCounters();

/** A run never gives way to the outside; between two of them the test's own timers get their turn. */
const run = async (
  seed: number,
  engine: EngineName,
  startClient?: StartClient,
): Promise<RunOutcome> => {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  return simulate({ seed, engine, ...(startClient === undefined ? {} : { startClient }) });
};

const report = ({ seed, engine, failure, tail }: RunOutcome): string =>
  `seed ${seed} on ${engine}: ${failure}\n${tail.slice(-40).join("\n")}\nagain: npm run sim -- --engine ${engine} --from ${seed} --seeds 1 --trace`;

describe("[STORE-1, STORE-2, PULL-1, RESET-2, CLIENT-5] no seed breaks a promise", () => {
  for (const { engine, from, seeds } of shares) {
    test(
      `${seeds} seeds on ${engine}`,
      async () => {
        for (let seed = from; seed < from + seeds; seed += 1) {
          const outcome = await run(seed, engine);
          totals.addAll(outcome.counters);
          if (outcome.failure !== null) expect.fail(report(outcome));
          if (seed % TWICE_EVERY !== 0) continue;
          const again = await run(seed, engine);
          expect(again.traceHash, `seed ${seed} on ${engine} ran differently`).toBe(
            outcome.traceHash,
          );
        }
      },
      runMs,
    );
  }

  test.each(readRegressions())("$file: $found", async ({ seed, engine }) => {
    const outcome = await run(seed, engine);
    if (outcome.failure !== null) expect.fail(report(outcome));
  });
});

/** What the seeds above must have met, and at least how often. */
const floors: { readonly [name: string]: number } = {
  // The network.
  request_dropped: 1_500,
  answer_dropped: 2_000,
  request_duplicated: 1_500,
  message_slow: 2_000,
  message_partitioned: 1_000,
  partition: 200,
  answer_late: 2_500,
  stream_cut: 200,
  ndjson_cut: 300,
  // The server.
  server_kill: 300,
  server_killed_at_work: 250,
  server_stop: 120,
  restore: 90,
  restore_owed: 250,
  server_clock_jump: 150,
  purge_took: 80,
  store_full_met: 800,
  late_collection_undeclared: 100,
  record_reissued: 100,
  hostile_request_answered: 500,
  // The devices and their people.
  device_kill: 600,
  device_killed_saving: 50,
  device_clock_jump: 300,
  collections_change: 200,
  edit_hostile: 2_000,
  edit_restamped: 300,
  mode_sync: 300,
  mode_poll: 300,
  mode_live: 300,
  // What the protocol has against all this.
  batch_sent_again: 6_000,
  answer_413: 250,
  answer_507: 700,
  results_prefix: 800,
  edit_superseded: 2_500,
  edit_rejected_stale: 150,
  evidence_checked: 5_000,
  reset_offer: 70,
  reset_drop: 180,
  offer_applied: 180,
  offer_superseded: 30,
  offer_stale_offer: 4,
  answer_of_older_generation: 8,
  digest_compared: 15_000,
  woken: 6_000,
};

describe("the seeds prove something", () => {
  test.each(Object.entries(floors))("%s: at least %i times", (name, floor) => {
    expect(totals.all().get(name) ?? 0).toBeGreaterThanOrEqual(floor);
  });

  const withRequests =
    (alter: (request: Transport["request"]) => Transport["request"]): StartClient =>
    (deps) => {
      const { transport } = deps;
      const altered = { ...transport, request: alter(transport.request) };
      return startNaiveClient({ ...deps, mode: "sync", transport: altered });
    };

  const firstFailure = async (startClient: StartClient): Promise<string | null> => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const { failure } = await run(seed, "memory", startClient);
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
    const outcome = await run(1, "memory", (deps) => {
      reach();
      return startNaiveClient(deps);
    });
    expect(outcome.failure).toMatch(/used the real/);
  });

  test("what is real is there again after a run", async () => {
    await run(1, "memory");
    expect(Date.now()).toBeGreaterThan(0);
    expect(new Date().getTime()).toBeGreaterThan(0);
  });
});
