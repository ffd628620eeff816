import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { GaugeName, NodeMetrics } from "./metrics.ts";

const COUNT_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 4_096, 16_384];

const WAIT_BUCKETS_SECONDS = [0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

const FAN_OUT_BUCKETS_SECONDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
];

const gaugeHelp: { readonly [Name in GaugeName]: string } = {
  connections: "TCP connections that are open now, of whatever use.",
  buffered_bytes: "Bytes that were written to connections and not taken yet by the other end.",
  oldest_unsent_seconds: "Since the oldest commit that a stream was told of and has not passed on.",
  bus_up: "1 where other nodes can be told of commits and tell of theirs, else 0.",
  pool_size: "Connections to the database that there may be.",
  pool_used: "Connections to the database that are in use now.",
  pool_waiting: "Callers that wait for a connection to the database now.",
};

const exposeGauges = (registers: Registry[]): NodeMetrics["watchGauge"] => {
  const reads = new Map<GaugeName, () => number>();
  return (name, read) => {
    const isNew = !reads.has(name);
    reads.set(name, read);
    if (!isNew) return;
    new Gauge({
      name: `synchro_${name}`,
      help: gaugeHelp[name],
      registers,
      collect() {
        this.set(reads.get(name)?.() ?? 0);
      },
    });
  };
};

const exposeReplicas = (registers: Registry[]): NodeMetrics["watchReplicas"] => {
  let read = (): ReadonlyMap<string, number | null> => new Map();
  const labels = { labelNames: ["replica"], registers };
  new Gauge({
    name: "synchro_replica_up",
    help: "1 where a replica answers, else 0.",
    ...labels,
    collect() {
      this.reset();
      for (const [replica, lag] of read()) this.set({ replica }, lag === null ? 0 : 1);
    },
  });
  new Gauge({
    name: "synchro_replica_lag_seconds",
    help: "How far a replica that answers is behind the primary.",
    ...labels,
    collect() {
      this.reset();
      for (const [replica, lag] of read()) if (lag !== null) this.set({ replica }, lag);
    },
  });
  return (of) => {
    read = of;
  };
};

const exposeHints = (registers: Registry[]): NodeMetrics["countHints"] => {
  const tally = new Map([
    ["sent", 0],
    ["received", 0],
    ["malformed", 0],
  ]);
  new Counter({
    name: "synchro_bus_hints_total",
    help: "Hints to and from other nodes; malformed: words that came and were none.",
    labelNames: ["direction"],
    registers,
    collect() {
      this.reset();
      for (const [direction, count] of tally) this.inc({ direction }, count);
    },
  });
  return (direction, count) => void tally.set(direction, (tally.get(direction) ?? 0) + count);
};

/** The metrics of what is beneath the services, in a registry. */
export const exposeNodeMetrics = (registry: Registry): NodeMetrics => {
  const registers = [registry];
  const records = new Histogram({
    name: "synchro_commit_records",
    help: "Records changed by one commit.",
    buckets: [0, ...COUNT_BUCKETS],
    registers,
  });
  const pushes = new Histogram({
    name: "synchro_commit_pushes",
    help: "Pushes that shared one commit.",
    buckets: COUNT_BUCKETS,
    registers,
  });
  const waits = new Histogram({
    name: "synchro_pool_wait_seconds",
    help: "What callers waited for a connection to the database.",
    buckets: WAIT_BUCKETS_SECONDS,
    registers,
  });
  const fanOut = new Histogram({
    name: "synchro_fan_out_latency_seconds",
    help: "From the news of a commit until one stream had passed it on.",
    buckets: FAN_OUT_BUCKETS_SECONDS,
    registers,
  });
  return {
    observeCommit: (commit) => {
      records.observe(commit.records);
      pushes.observe(commit.pushes);
    },
    observePoolWait: (waitMs) => waits.observe(waitMs / 1000),
    observeFanOut: (latencyMs) => fanOut.observe(latencyMs / 1000),
    countHints: exposeHints(registers),
    watchGauge: exposeGauges(registers),
    watchReplicas: exposeReplicas(registers),
  };
};
