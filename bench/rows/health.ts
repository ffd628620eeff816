// How long `/healthz` takes while others send what means harm, beside legal traffic of that size.
import { setTimeout as sleep } from "node:timers/promises";
import { HttpConnection } from "../load/http-connection.ts";
import { httpRequest } from "../load/http-request.ts";
import { startTraffic } from "../load/traffic.ts";
import { type Contestant, compare, interleave } from "../report/interleave.ts";
import { type Row, scaled } from "../report/row-report.ts";
import { startSynchro } from "../servers/synchro-server.ts";

const TURN_MS = 5_000;
const EVERY_MS = 5;
const HOSTILE = "under the hostile list";
const LEGAL = "under legal traffic";

/** Milliseconds of each probe, sorted. */
const probe = async (port: number, forMs: number): Promise<readonly number[]> => {
  const connection = await HttpConnection.open(port);
  const request = httpRequest("GET", "/healthz");
  const latencies: number[] = [];
  const until = performance.now() + forMs;
  while (performance.now() < until) {
    const startedAt = performance.now();
    const { status } = await connection.exchange(request);
    if (status !== 200) throw new Error(`/healthz answered ${status}`);
    latencies.push(performance.now() - startedAt);
    await sleep(EVERY_MS);
  }
  connection.close();
  return latencies.toSorted((a, b) => a - b);
};

const atP99 = (sorted: readonly number[]): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))] ?? Number.NaN;

export const health: Row = async (options) => {
  await using server = await startSynchro();
  const turnMs = scaled(options, TURN_MS, 700);
  const statuses: Record<string, number> = {};
  let probes = 0;
  const p99Under = (name: string, kind: "hostile" | "legal"): Contestant => ({
    name,
    unit: "ms, p99",
    turn: async () => {
      const traffic = await startTraffic(server.port, kind);
      try {
        await sleep(Math.min(500, turnMs));
        const latencies = await probe(server.port, turnMs);
        probes += latencies.length;
        return { figure: atP99(latencies) };
      } finally {
        const sent = await traffic.stop();
        for (const [status, count] of Object.entries(sent.statuses)) {
          statuses[`${kind} ${status}`] = (statuses[`${kind} ${status}`] ?? 0) + count;
        }
      }
    },
  });
  const series = await interleave(
    [p99Under(HOSTILE, "hostile"), p99Under(LEGAL, "legal")],
    options.rounds,
  );
  const failures = Object.keys(statuses).filter((status) => / 5\d\d$/.test(status));
  return {
    row: "/healthz beside traffic",
    series,
    comparisons: [compare(series, HOSTILE, LEGAL, { is: "at most", value: 10 })],
    counted: [{ what: "answers that are the server's failures", sent: 0, found: failures.length }],
    notes: [
      `four connections with bodies of 4 MiB and fifty slow or small ones, from a process of their own; ${probes} probes`,
      `answers to the traffic: ${Object.entries(statuses)
        .map(([status, count]) => `${count} × ${status}`)
        .join(", ")}`,
    ],
  };
};
