import { DatabaseSync } from "node:sqlite";
import { parseStamp, type Stamp } from "@synchro/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../../testing/start-test-server.ts";
import { syncV1 } from "../../../testing/v1-requests.ts";
import { deletion, get, push } from "../../../testing/v2-requests.ts";
import { MemoryStore } from "../../store/memory/memory-store.ts";
import { openSqliteStoreOver } from "../../store/sqlite/open-sqlite-store.ts";
import { onFatal } from "../../store/sqlite/sqlite-harness.contract.ts";
import type { Store, StoreOptions } from "../../store/store.ts";
import { systemRuntime } from "../../system-runtime.ts";

const gtin = fc.constantFrom("a", "b");

/** The order of these texts is the order of the instants. */
const stamp = fc.constantFrom(
  "2026-11-23T10:00:00Z",
  "2026-11-23T10:00:01Z",
  "2026-11-24T10:00:00Z",
  "2026-11-25T10:00:00Z",
);

/** The first two are one instant: as they are stored as sent, they are two values all the same. */
const date = fc.constantFrom("2026-12-01", "2026-12-01T00:00:00Z", "2026-12-02");

type Sent = {
  readonly gtin: string;
  readonly updated_at: string;
  readonly expiration_date: string;
};

const record: fc.Arbitrary<Sent> = fc.record({ gtin, updated_at: stamp, expiration_date: date });

type Step =
  | { readonly kind: "sync"; readonly records: readonly Sent[] }
  | { readonly kind: "delete"; readonly gtin: string; readonly at: string };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("sync" as const),
      records: fc.array(record, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("delete" as const), gtin, at: stamp }),
  },
);

/** A version of a gtin; `date` null: deleted. */
type Version = { readonly at: string; readonly date: string | null };

const textOf = ({ at, date: day }: Version): string => `${at} ${day ?? "deleted"}`;

/** What did not stay of a gtin, straight from the rules: a version is kept once, for its first reason. */
class ModelEvidence {
  readonly #current = new Map<string, Version>();
  readonly #kept = new Map<string, Map<string, string>>();

  #keep(key: string, reason: string, version: Version): void {
    const kept = this.#kept.get(key) ?? new Map<string, string>();
    this.#kept.set(key, kept);
    if (!kept.has(textOf(version))) kept.set(textOf(version), reason);
  }

  write(key: string, version: Version): void {
    const stored = this.#current.get(key);
    if (stored !== undefined && version.at <= stored.at) {
      if (textOf(stored) !== textOf(version)) this.#keep(key, "superseded", version);
      return;
    }
    if (stored !== undefined && stored.date !== null) this.#keep(key, "overwritten", stored);
    this.#current.set(key, version);
  }

  of(key: string): readonly string[] {
    const kept = [...(this.#kept.get(key) ?? new Map<string, string>())];
    return kept.map(([version, reason]) => `${reason} ${version}`).toSorted();
  }
}

type Listed = {
  readonly evidence: readonly {
    readonly reason: string;
    readonly updated_at: string;
    readonly value?: { readonly expiration_date: string };
  }[];
};

const evidenceOf = async (server: TestServer, space: string, key: string) => {
  const path = `/v2/spaces/${space}/evidence?collection=readings&key=${key}`;
  const reply = await get(server, path);
  // Nothing is kept in a space that nothing was written to.
  const { evidence } = reply.status === 404 ? { evidence: [] } : (reply.json as Listed);
  return evidence
    .map(({ reason, updated_at: at, value }) => {
      const version = { at, date: value?.expiration_date ?? null };
      return `${reason} ${textOf(version)}`;
    })
    .toSorted();
};

const take = async (
  server: TestServer,
  space: string,
  model: ModelEvidence,
  each: Step,
): Promise<void> => {
  if (each.kind === "delete") {
    model.write(each.gtin, { at: each.at, date: null });
    const { results } = await push(server, [deletion(each.gtin, each.at)], space);
    expect(results).not.toMatchObject([{ rejected: {} }]);
    return;
  }
  for (const sent of each.records) {
    model.write(sent.gtin, { at: sent.updated_at, date: sent.expiration_date });
  }
  const request = { last_sync_date: "9999-01-01", newly_created_records: each.records };
  await syncV1(server, space, request);
};

/** After all stamps: /v2, which deletes, takes none that is ahead. */
const clock = parseStamp("2026-12-01T00:00:00Z") as Stamp;
const runtime = { ...systemRuntime, now: () => clock };

const engines: readonly (readonly [string, (options: StoreOptions) => Store, number])[] = [
  ["memory", (options) => new MemoryStore(options), 150],
  [
    "SQLite",
    (options) =>
      openSqliteStoreOver(new DatabaseSync(":memory:"), { ...options, bytesMax: null, onFatal }),
    60,
  ],
];

describe.each(engines)("on %s", (_, openStore, numRuns) => {
  test("[V1-25] whatever is sent, every version that did not stay is evidence, and nothing else is", async () => {
    const server = await startTestServer({
      runtime,
      openStore,
      limits: { evidencePerRecordMax: 100 },
    });
    let spaces = 0;
    const played = fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 8 }),
      async (steps) => {
        spaces += 1;
        const space = `shop-${spaces}`;
        const model = new ModelEvidence();
        for (const each of steps) await take(server, space, model, each);
        for (const key of ["a", "b"]) {
          expect(await evidenceOf(server, space, key)).toEqual(model.of(key));
        }
      },
    );
    await fc.assert(played, { seed: 20_261_124, numRuns });
    await server.stop();
  });
});
