import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stampFromMillis } from "@synchro/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { MemoryDisk } from "../../packages/server/src/store/memory/memory-disk.ts";
import { MemoryStore } from "../../packages/server/src/store/memory/memory-store.ts";
import { systemRuntime } from "../../packages/server/src/system-runtime.ts";
import {
  startTestServer,
  type TestServer,
} from "../../packages/server/testing/start-test-server.ts";
import { pull } from "../../packages/server/testing/v2-requests.ts";
// @ts-expect-error -- the page's client is plain JavaScript
import { MinimalClient as Untyped } from "./minimal-client.mjs";

type HeldRecord = {
  readonly collection: string;
  readonly key: string;
  readonly seq: number;
  readonly updated_at: string;
  readonly value?: object;
  readonly deleted?: true;
};

type Client = {
  readonly edit: (collection: string, key: string, value: object | null) => void;
  readonly get: (collection: string, key: string) => unknown;
  readonly sync: () => Promise<void>;
  readonly state: {
    readonly records: { readonly [id: string]: HeldRecord };
    readonly outbox: readonly unknown[];
    readonly inFlight: unknown;
    readonly rejected: readonly unknown[];
  };
};

const MinimalClient = Untyped as new (options: {
  readonly file: string;
  readonly url: string;
  readonly fetch: typeof fetch;
  readonly now: () => number;
}) => Client;

const SPACE = "malmo-1";
const DEVICES = 3;
const START_MS = Date.parse("2026-11-24T10:00:00Z");
const HOUR_MS = 3_600_000;
const YEAR_MS = 8_766 * HOUR_MS;

type Loss = "none" | "request" | "answer";

type Step =
  | {
      readonly do: "edit";
      readonly device: number;
      readonly key: string;
      readonly date: string | null;
    }
  | { readonly do: "sync"; readonly device: number; readonly losses: readonly Loss[] }
  | { readonly do: "restart"; readonly device: number }
  | { readonly do: "jump"; readonly device: number; readonly ms: number }
  | { readonly do: "save" | "restore" | "reopen" };

const agree = (actual: unknown, expected: unknown): void => {
  expect(actual).toEqual(expected);
};

/** A server that can be put back to what it was, and devices whose clocks and lines are bad. */
class World {
  disk = new MemoryDisk();
  #saved: MemoryDisk["spaces"] | null = null;
  #server: TestServer | null = null;
  nowMs = START_MS;
  readonly folder = mkdtempSync(join(tmpdir(), "synchro-minimal-client-"));
  readonly clients: Client[] = [];
  readonly losses: Loss[] = [];
  /** By record, the latest stamp that any device has ever held as the server's. */
  readonly latest = new Map<string, string>();
  /** By key, who has edited it, and the last edit. */
  readonly edits = new Map<string, { readonly devices: Set<number>; value: object | null }>();
  readonly #offsets: number[];

  constructor(offsets: readonly number[]) {
    this.#offsets = [...offsets];
  }

  get server(): TestServer {
    if (this.#server === null) throw new Error("the server is not open");
    return this.#server;
  }

  async open(): Promise<void> {
    await this.#server?.stop();
    this.#server = await startTestServer({
      runtime: { ...systemRuntime, now: () => stampFromMillis(this.nowMs) },
      limits: { pageRecordsDefault: 2, lostBytesMax: 200, changesMax: 3 },
      openStore: (options) => new MemoryStore(options, this.disk),
    });
  }

  async close(): Promise<void> {
    await this.#server?.stop();
    rmSync(this.folder, { recursive: true });
  }

  readonly #fetch: typeof fetch = async (_, init) => {
    const loss = this.losses.shift() ?? "none";
    if (loss === "request") throw new TypeError("no connection");
    const answer = await fetch(`${this.server.url}/v2/spaces/${SPACE}/sync`, init);
    if (loss === "none") return answer;
    await answer.text();
    throw new TypeError("the connection was lost");
  };

  /** The device's program starts over the file that it has. */
  start(device: number): void {
    this.clients[device] = new MinimalClient({
      file: join(this.folder, `${device}.json`),
      url: "",
      fetch: this.#fetch,
      now: () => this.nowMs + (this.#offsets[device] ?? 0),
    });
  }

  client(device: number): Client {
    const client = this.clients[device];
    if (client === undefined) throw new Error("there is no such device");
    return client;
  }

  async sync(device: number, losses: readonly Loss[]): Promise<void> {
    this.losses.splice(0, this.losses.length, ...losses);
    const client = this.client(device);
    try {
      await client.sync();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    for (const [id, { updated_at: stamp }] of Object.entries(client.state.records)) {
      const latest = this.latest.get(id);
      const canonical = stamp.replace(/(?:\.(\d+))?Z$/, (_, f = "") => `.${f.padEnd(6, "0")}Z`);
      if (latest === undefined || latest < canonical) this.latest.set(id, canonical);
    }
  }

  async take(step: Step): Promise<void> {
    this.nowMs += 1_000;
    switch (step.do) {
      case "edit": {
        const { device, key, date } = step;
        const value = date === null ? null : { expiration_date: date };
        this.client(device).edit("readings", key, value);
        const { devices } = this.edits.get(key) ?? { devices: new Set<number>() };
        this.edits.set(key, { devices: devices.add(device), value });
        agree(this.client(device).get("readings", key), value);
        return;
      }
      case "sync":
        return this.sync(step.device, step.losses);
      case "jump":
        this.#offsets[step.device] = (this.#offsets[step.device] ?? 0) + step.ms;
        return;
      case "restart":
        return this.start(step.device);
      case "reopen":
        return this.open();
      case "save":
        this.#saved = this.disk.spaces;
        return;
      case "restore":
        if (this.#saved === null) return;
        this.disk = Object.assign(new MemoryDisk(), {
          spaces: this.#saved,
          declared: this.disk.declared,
        });
        return this.open();
    }
  }

  /** All sync until nothing is left to say, and hold the same as the server; nothing that any device held is lost. */
  async expectAtRest(): Promise<void> {
    for (let round = 0; round < 4; round += 1) {
      for (let device = 0; device < DEVICES; device += 1) {
        this.nowMs += 1_000;
        await this.sync(device, []);
      }
    }
    const { changes } = await pull(this.server, { tombstones: true, limit: 1_000 }, SPACE);
    const live = changes.filter((record) => !("deleted" in record));
    for (const client of this.clients) {
      const { records, outbox, inFlight, rejected } = client.state;
      agree(
        { outbox, rejected, inFlight },
        {
          outbox: [],
          rejected: [],
          inFlight: null,
        },
      );
      const held = Object.values(records)
        .filter(({ deleted }) => deleted === undefined)
        .toSorted((a, b) => a.seq - b.seq);
      agree(
        held.map(({ key, seq, value }) => ({ key, seq, value })),
        live.map((record) => ({
          key: record.key,
          seq: record.seq,
          value: "value" in record ? record.value : null,
        })),
      );
    }
    const stored = new Map(
      changes.map((record) => [`${record.collection}\0${record.key}`, record]),
    );
    for (const [id, latest] of this.latest) {
      const stamp = stored.get(id)?.updated_at.replace(/(?<=:\d\d)Z$/, ".000000Z") ?? "";
      agree([id, stamp >= latest, stamp, latest], [id, true, stamp, latest]);
    }
  }
}

const device = fc.nat(DEVICES - 1);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("edit" as const),
      device,
      key: fc.constantFrom("milk", "ost", "\u{1F600}", "bröd", "te", "kaffe"),
      date: fc.constantFrom("2026-12-01", "2026-12-24", null),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("sync" as const),
      device,
      losses: fc.array(
        fc.constantFrom("none" as const, "none" as const, "request" as const, "answer" as const),
        { maxLength: 4 },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const), device }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("jump" as const),
      device,
      ms: fc.constantFrom(-HOUR_MS, HOUR_MS, -YEAR_MS, YEAR_MS),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("save" as const, "restore" as const, "reopen" as const),
    }),
  },
);

const offset = fc.constantFrom(0, 0, -HOUR_MS, HOUR_MS, -10 * YEAR_MS, 10 * YEAR_MS);

test("[CLIENT-2] [CLIENT-22] devices with lost answers, wrong clocks and a server that is restored end equal, and lose nothing", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(offset, { minLength: DEVICES, maxLength: DEVICES }),
      fc.array(step, { minLength: 1, maxLength: 40, size: "max" }),
      async (offsets, steps) => {
        const world = new World(offsets);
        await world.open();
        try {
          for (let index = 0; index < DEVICES; index += 1) world.start(index);
          for (const each of steps) await world.take(each);
          await world.expectAtRest();
        } finally {
          await world.close();
        }
      },
    ),
    { seed: 20_261_124, numRuns: 40 },
  );
}, 120_000);
