import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { exposeNodeMetrics } from "./expose-node-metrics.ts";
import type { Metrics, NodeMetrics } from "./metrics.ts";

/** What a scrape gets: the text format of Prometheus. */
export type Exposition = { readonly contentType: string; readonly text: string };

export type ExposedMetrics = Metrics & NodeMetrics & { readonly expose: () => Promise<Exposition> };

/** From half a millisecond to the half minute that a long poll may take. */
const DURATION_BUCKETS_SECONDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30,
];

/** Numbers by label, read by a prom-client metric only when somebody looks. */
type Tally = Map<string, number>;

const add = (tally: Tally, label: string, count: number): void => {
  tally.set(label, (tally.get(label) ?? 0) + count);
};

const exposeCounter = (
  registry: Registry,
  name: string,
  help: string,
  labelName: string,
  tally: Tally,
): void => {
  new Counter({
    name,
    help,
    labelNames: [labelName],
    registers: [registry],
    collect() {
      this.reset();
      for (const [label, count] of tally) this.inc({ [labelName]: label }, count);
    },
  });
};

const exposeStreams = (registry: Registry, tally: Tally): void => {
  new Gauge({
    name: "synchro_streams_open",
    help: "Streams of changes that are open now, by form.",
    labelNames: ["kind"],
    registers: [registry],
    collect() {
      for (const [kind, count] of tally) this.set({ kind }, count);
    },
  });
};

const exposeRequests = (registry: Registry): Metrics["observeRequest"] => {
  const durations = new Histogram({
    name: "synchro_http_request_duration_seconds",
    help: "Requests from their headers to the end of their answers. Status 0: the client went away.",
    labelNames: ["method", "route", "status"],
    buckets: DURATION_BUCKETS_SECONDS,
    registers: [registry],
  });
  // Looked up by one text: prom-client makes one of its labels at each observation. As many as there
  // are routes, methods and statuses.
  const children = new Map<string, ReturnType<typeof durations.labels>>();
  return ({ method, route, status, durationMs }) => {
    const name = `${method} ${route} ${status}`;
    let child = children.get(name);
    if (child === undefined) {
      child = durations.labels({ method, route, status });
      children.set(name, child);
    }
    child.observe(durationMs / 1000);
  };
};

const openStreamIn =
  (streams: Tally): Metrics["openStream"] =>
  (kind) => {
    add(streams, kind, 1);
    let isOpen = true;
    return () => {
      if (isOpen) add(streams, kind, -1);
      isOpen = false;
    };
  };

/**
 * The metrics of one server, in a registry of its own. With `process` they include those of the
 * whole process (memory, CPU, garbage collection, event loop lag), which costs a timer that never
 * ends: a server says true, a test or a simulation false.
 */
export const createMetrics = (of: { readonly process: boolean }): ExposedMetrics => {
  const registry = new Registry();
  if (of.process) collectDefaultMetrics({ register: registry });
  const pushes: Tally = new Map([
    ["committed", 0],
    ["full", 0],
    ["over_quota", 0],
  ]);
  const results: Tally = new Map([
    ["applied", 0],
    ["superseded", 0],
    ["rejected", 0],
  ]);
  const sent: Tally = new Map([["sent", 0]]);
  const streams: Tally = new Map();
  exposeCounter(
    registry,
    "synchro_pushes_total",
    "Pushes answered, by outcome.",
    "outcome",
    pushes,
  );
  exposeCounter(
    registry,
    "synchro_changes_total",
    "Changes answered, by result.",
    "result",
    results,
  );
  exposeCounter(
    registry,
    "synchro_records_total",
    "Records sent to clients, in whatever form.",
    "direction",
    sent,
  );
  exposeStreams(registry, streams);
  return {
    countPush: (outcome) => add(pushes, outcome, 1),
    countResult: (kind) => add(results, kind, 1),
    countRecordsSent: (count) => add(sent, "sent", count),
    openStream: openStreamIn(streams),
    observeRequest: exposeRequests(registry),
    ...exposeNodeMetrics(registry),
    expose: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
};
