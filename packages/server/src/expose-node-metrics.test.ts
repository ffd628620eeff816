import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { exposeNodeMetrics } from "./expose-node-metrics.ts";

const setUp = () => {
  const registry = new Registry();
  const metrics = exposeNodeMetrics(registry);
  const lines = async (name: string): Promise<readonly string[]> =>
    (await registry.metrics()).split("\n").filter((line) => line.startsWith(name));
  return { metrics, lines };
};

test("a gauge is there once somebody knows the number, and read when somebody looks", async () => {
  const { metrics, lines } = setUp();
  expect(await lines("synchro_connections")).toEqual([]);
  let connections = 3;
  metrics.watchGauge("connections", () => connections);
  expect(await lines("synchro_connections")).toEqual(["synchro_connections 3"]);
  connections = 4;
  expect(await lines("synchro_connections")).toEqual(["synchro_connections 4"]);
  metrics.watchGauge("connections", () => 7);
  expect(await lines("synchro_connections")).toEqual(["synchro_connections 7"]);
});

test("a replica that does not answer has no lag, and one that is gone has no line", async () => {
  const { metrics, lines } = setUp();
  let replicas: ReadonlyMap<string, number | null> = new Map([
    ["a", 0.5],
    ["b", null],
  ]);
  metrics.watchReplicas(() => replicas);
  expect(await lines("synchro_replica")).toEqual([
    'synchro_replica_up{replica="a"} 1',
    'synchro_replica_up{replica="b"} 0',
    'synchro_replica_lag_seconds{replica="a"} 0.5',
  ]);
  replicas = new Map();
  expect(await lines("synchro_replica")).toEqual([]);
});

test("commits tell how many pushes shared them and what they changed; nothing is a number too", async () => {
  const { metrics, lines } = setUp();
  metrics.observeCommit({ pushes: 3, records: 40 });
  metrics.observeCommit({ pushes: 1, records: 0 });
  expect(await lines("synchro_commit_records_")).toEqual(
    expect.arrayContaining([
      'synchro_commit_records_bucket{le="0"} 1',
      'synchro_commit_records_bucket{le="32"} 1',
      'synchro_commit_records_bucket{le="64"} 2',
      "synchro_commit_records_sum 40",
      "synchro_commit_records_count 2",
    ]),
  );
  expect(await lines("synchro_commit_pushes_sum")).toEqual(["synchro_commit_pushes_sum 4"]);
});

test("waits and hints are told", async () => {
  const { metrics, lines } = setUp();
  metrics.observePoolWait(30);
  metrics.observeFanOut(4);
  metrics.countHints("sent", 2);
  metrics.countHints("sent", 3);
  metrics.countHints("malformed", 1);
  expect(await lines("synchro_pool_wait_seconds_sum")).toEqual([
    "synchro_pool_wait_seconds_sum 0.03",
  ]);
  expect(await lines("synchro_fan_out_latency_seconds_sum")).toEqual([
    "synchro_fan_out_latency_seconds_sum 0.004",
  ]);
  expect(await lines("synchro_bus_hints_total")).toEqual([
    'synchro_bus_hints_total{direction="sent"} 5',
    'synchro_bus_hints_total{direction="received"} 0',
    'synchro_bus_hints_total{direction="malformed"} 1',
  ]);
});
