import { describe, expect, test } from "vitest";
import { createMetrics } from "./create-metrics.ts";

const exposed = async (metrics: ReturnType<typeof createMetrics>) =>
  (await metrics.expose()).text.split("\n").filter((line) => !line.startsWith("#"));

describe("metrics", () => {
  test("start at zero, so that a rate can be taken from the first scrape on", async () => {
    const lines = await exposed(createMetrics({ process: false }));
    expect(lines).toContain('synchro_changes_total{result="rejected"} 0');
    expect(lines).toContain('synchro_pushes_total{outcome="full"} 0');
  });

  test("a second scrape does not count twice", async () => {
    const metrics = createMetrics({ process: false });
    metrics.countPush("committed");
    for (const kind of ["applied", "applied", "superseded", "rejected"] as const) {
      metrics.countResult(kind);
    }
    metrics.countRecordsSent(812);
    await metrics.expose();
    const lines = await exposed(metrics);
    expect(lines).toContain('synchro_pushes_total{outcome="committed"} 1');
    expect(lines).toContain('synchro_changes_total{result="applied"} 2');
    expect(lines).toContain('synchro_changes_total{result="superseded"} 1');
    expect(lines).toContain('synchro_records_total{direction="sent"} 812');
  });

  test("a stream that is closed twice is closed once", async () => {
    const metrics = createMetrics({ process: false });
    const close = metrics.openStream("sse");
    metrics.openStream("sse");
    close();
    close();
    expect(await exposed(metrics)).toContain('synchro_streams_open{kind="sse"} 1');
  });

  test("a request is one observation of its route, method and status", async () => {
    const metrics = createMetrics({ process: false });
    metrics.observeRequest({ method: "GET", route: "/a/:b", status: 200, durationMs: 20 });
    const lines = await exposed(metrics);
    const labels = 'method="GET",route="/a/:b",status="200"';
    expect(lines).toContain(`synchro_http_request_duration_seconds_count{${labels}} 1`);
    expect(lines).toContain(`synchro_http_request_duration_seconds_sum{${labels}} 0.02`);
  });

  test("two servers in a process share nothing", async () => {
    const [one, other] = [createMetrics({ process: false }), createMetrics({ process: true })];
    one.countResult("applied");
    expect(await exposed(other)).toContain('synchro_changes_total{result="applied"} 0');
    expect((await other.expose()).text).toContain("nodejs_eventloop_lag_seconds");
    expect((await one.expose()).text).not.toContain("nodejs_eventloop_lag_seconds");
  });
});
