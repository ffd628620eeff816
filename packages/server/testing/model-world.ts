import { parseStamp, type SpaceId, type Stamp } from "@synchro/core";
import type { WireSyncAnswer } from "@synchro/protocol";
import { expect } from "vitest";
import { createCollectionRegistry } from "../src/collections/collection-registry.ts";
import type { Store, StoreOptions } from "../src/store/store.ts";
import { systemRuntime } from "../src/system-runtime.ts";
import { ModelClient } from "./model-client.ts";
import { createRequest, DEFAULT_LIMIT, type ModelRequest } from "./model-request.ts";
import {
  AHEAD_MS,
  DECLARED,
  instantAt,
  isToday,
  keys,
  msOf,
  sets,
  START_MS,
  type Step,
  STEP_MS,
  type SyncWish,
  wire,
} from "./model-steps.ts";
import {
  type Instant,
  type Position,
  type ReferenceChange,
  type ReferencePage,
  type ReferenceRecord,
  type ReferenceResult,
  ReferenceSpace,
} from "./reference-space.ts";
import { startTestServer, type TestServer } from "./start-test-server.ts";
import { get, postSync, shop } from "./v2-requests.ts";

const registry = createCollectionRegistry({ readings: { history: true } });
const KEPT = { evidencePerRecordMax: 3, rejectionsPerSpaceMax: 6 };

const agree = (actual: unknown, expected: unknown): void => {
  expect(actual).toEqual(expected);
};

const agreeInPart = (actual: unknown, expected: object): void => {
  expect(actual).toMatchObject(expected);
};

/** A disk that outlives the stores that are opened over it, and can be put back to what it was. */
export type Ground = {
  readonly open: (options: StoreOptions) => Store;
  readonly image: () => () => void;
};

const targetsOf = ({ sent }: ModelRequest): readonly string[] =>
  sent.flatMap(({ json }) => {
    const change = JSON.parse(json) as { collection?: unknown; key?: unknown } | null;
    const { collection, key } = change ?? {};
    return typeof collection === "string" && typeof key === "string"
      ? [`${collection} ${key}`]
      : [];
  });

const known = <Of>(given: ReadonlyMap<string, Of>, text: string | null): Of | "invalid" | null =>
  text === null ? null : (given.get(text) ?? "invalid");

/** PUSH-21. */
const shownVersion = ({ collection, key, stamp, value, author }: ReferenceChange): object => ({
  collection,
  key,
  updated_at: wire(stamp),
  ...(value === null ? { deleted: true } : { value }),
  ...(author === null ? {} : { author_unverified: author }),
});

const shown = (record: ReferenceRecord): object => ({ ...shownVersion(record), seq: record.seq });

const plainResult = (result: WireSyncAnswer["results"][number]): object => {
  if (!("rejected" in result)) return result;
  const { code, stored } = result.rejected;
  if (stored === undefined) return { code };
  return { code, stored: stored === null ? null : parseStamp(stored) };
};

const plainPull: SyncWish = {
  do: "sync",
  client: 0,
  changes: [],
  cursor: "own",
  ack: "own",
  limit: 2,
  set: null,
  pulls: true,
  tombstones: false,
  isLost: false,
};

/** A server and what the rules say of it, side by side: each answer is held against the reference. */
export class World {
  readonly reference = new ReferenceSpace(DECLARED, (collection) => collection === "readings");
  readonly clients = [
    new ModelClient("c0", null),
    new ModelClient("c1", ["readings"]),
    new ModelClient("c2", ["readings", "batches", "readings"]),
  ];
  /** Every cursor and ack that was ever given, and what it means. */
  readonly cursors = new Map<string, Position>();
  readonly acks = new Map<string, Pick<Position, "epoch" | "seen">>();
  readonly requests: ModelRequest[] = [];
  clockMs = START_MS;
  #server: TestServer | null = null;
  #saved: { readonly putBack: () => void; readonly image: object } | null = null;
  readonly #ground: Ground;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  get server(): TestServer {
    if (this.#server === null) throw new Error("the server is not open");
    return this.#server;
  }

  get now(): Instant {
    return instantAt(this.clockMs);
  }

  async close(): Promise<void> {
    await this.#server?.stop();
  }

  async open(): Promise<void> {
    await this.close();
    this.reference.opening += 1;
    this.#server = await startTestServer({
      registry,
      runtime: { ...systemRuntime, now: () => parseStamp(this.now) as Stamp },
      limits: { ...KEPT, pageRecordsDefault: DEFAULT_LIMIT, lostBytesMax: 300 },
      openStore: this.#ground.open,
    });
  }

  save(): void {
    this.#saved = { putBack: this.#ground.image(), image: this.reference.image() };
  }

  async restore(): Promise<void> {
    if (this.#saved === null) return;
    await this.close();
    this.#saved.putBack();
    this.reference.restore(this.#saved.image);
    await this.open();
  }

  async purge(offsetMs: number): Promise<void> {
    const cutoff = instantAt(this.clockMs + offsetMs);
    const { purged, floor } = await this.server.store.purge(
      shop as SpaceId,
      parseStamp(cutoff) as Stamp,
    );
    agree(purged, this.reference.purge(cutoff));
    agree(floor, this.reference.state.floor);
  }

  async sync(wish: SyncWish): Promise<void> {
    const client = this.clients[wish.client];
    if (client === undefined) throw new Error("no such client");
    const request = createRequest(this, wish, client);
    this.requests.push(request);
    const answer = await this.send(request);
    const isOwn = wish.cursor === "own" && wish.ack === "own" && wish.set === null;
    if (answer === null || !isOwn || wish.isLost) return;
    this.#apply(client, request, answer);
  }

  /** Sends a request, and holds the whole of its answer against what the rules say. Null: it was refused as a whole. */
  async send(request: ModelRequest): Promise<WireSyncAnswer | null> {
    const reply = await postSync(this.server, request.body);
    const targets = targetsOf(request);
    if (new Set(targets).size < targets.length) {
      agreeInPart(reply.json, { status: 400, code: "duplicate_key" });
      return null;
    }
    agree([reply.status, (reply.json as { detail?: string }).detail], [200, undefined]);
    const answer = reply.json as WireSyncAnswer;
    const results = this.#expectResults(request, answer);
    const lost = this.#lostTo(request, results);
    if (!request.pulls) {
      agree(answer.changes, lost.map(shown));
      this.#expectAck(request, answer);
      agree(
        Object.keys(answer).toSorted(),
        [...(results.length > 0 ? ["ack"] : []), "changes", "now", "results"].toSorted(),
      );
      return answer;
    }
    const told = new Set(results.flatMap((result) => ("seq" in result ? [result.seq] : [])));
    const page = this.reference.pull({
      cursor: known(this.cursors, request.cursor),
      ack: known(this.acks, request.ack),
      set: request.set,
      tombstones: request.tombstones,
      limit: request.limit,
      told,
    });
    const inPage = new Set(page.records.map(({ seq }) => seq));
    const records = [...lost.filter(({ seq }) => !inPage.has(seq)), ...page.records];
    this.#expectPage(request, answer, page, records);
    this.#expectAck(request, answer);
    return answer;
  }

  #expectResults(request: ModelRequest, answer: WireSyncAnswer): readonly ReferenceResult[] {
    const answered = answer.results.length;
    // A prefix ends before a change that lost: the records that beat those before it fill the limit.
    agree(answered > 0, request.sent.length > 0);
    const readings = request.sent.map(({ reading }) => reading);
    const results = this.reference.push(readings.slice(0, answered), {
      clientId: request.clientId,
      now: this.now,
      limits: {
        ...KEPT,
        isAhead: (stamp, stored) => {
          const isBeyondClock = stamp > instantAt(this.clockMs + AHEAD_MS);
          if (stored === null || !isToday(stored)) return isBeyondClock;
          return isBeyondClock && stamp > instantAt(msOf(stored) + STEP_MS);
        },
      },
    });
    agree(answer.results.map(plainResult), results);
    const next = readings[answered];
    if (next !== undefined) {
      agree(
        results.some((result) => "superseded" in result),
        true,
      );
      agree(next.kind === "change" && this.reference.stored(next.change) !== null, true);
    }
    return results;
  }

  #lostTo(request: ModelRequest, results: readonly ReferenceResult[]): readonly ReferenceRecord[] {
    return results.flatMap((result, index) => {
      const reading = request.sent[index]?.reading;
      if (!("superseded" in result) || reading?.kind !== "change") return [];
      return this.reference.stored(reading.change) ?? [];
    });
  }

  #expectPage(
    request: ModelRequest,
    answer: WireSyncAnswer,
    page: ReferencePage,
    records: readonly ReferenceRecord[],
  ): void {
    const { cursor, ack: _, ...rest } = answer;
    agree(rest, {
      now: wire(this.now),
      results: answer.results,
      changes: records.map(shown),
      more: page.more,
      ...(page.reset === null ? {} : { reset: page.reset }),
      ...(page.more
        ? {}
        : {
            digest: {
              at: this.reference.state.head,
              collections: this.reference.digests(request.set),
            },
          }),
    });
    if (cursor === undefined || cursor === null) {
      agree([cursor, page.position], [null, null]);
      return;
    }
    // One text means one place, whenever and to whomever it was given.
    agree(this.cursors.get(cursor) ?? page.position, page.position);
    if (page.position !== null) this.cursors.set(cursor, page.position);
  }

  #expectAck(request: ModelRequest, { ack }: WireSyncAnswer): void {
    if (request.sent.length === 0) {
      agree(ack, undefined);
      return;
    }
    const position = this.reference.ack();
    const isStanding =
      !request.pulls &&
      request.ack !== null &&
      this.reference.pull({
        cursor: null,
        ack: known(this.acks, request.ack),
        set: null,
        tombstones: false,
        limit: 1,
        told: new Set(),
      }).reset === "offer";
    if (isStanding) {
      agree(ack, request.ack);
      return;
    }
    agree(ack, expect.any(String));
    if (ack === undefined || position === null) return;
    agree(this.acks.get(ack) ?? position, position);
    this.acks.set(ack, position);
  }

  #apply(client: ModelClient, request: ModelRequest, answer: WireSyncAnswer): void {
    if (!client.apply(request, answer)) return;
    const live = this.reference.live(client.set);
    agree(
      client.held(),
      live.map(({ collection, key, seq, stamp, value }) => ({
        collection,
        key,
        seq,
        stamp,
        value,
      })),
    );
  }

  /** Every client pulls to the end, from where it stands and anew, and holds what the space holds. */
  async finish(): Promise<void> {
    const anew = sets.map((set, index) => new ModelClient(`new-${index}`, set));
    for (const client of [...this.clients, ...anew]) {
      for (let isMore = true; isMore;) {
        const request = createRequest(this, plainPull, client);
        const answer = await this.send(request);
        if (answer === null) throw new Error("a pull was refused");
        this.#apply(client, request, answer);
        isMore = answer.more === true;
      }
    }
    await this.#expectKept();
  }

  async #expectKept(): Promise<void> {
    const { state } = this.reference;
    const path = `/v2/spaces/${shop}`;
    const rejections = await get(this.server, `${path}/rejections`);
    agreeInPart(rejections.json, {
      rejections: state.rejections
        .toReversed()
        .map(({ code, clientId }) => ({ rejected: { code }, client_id: clientId })),
    });
    for (const collection of DECLARED) {
      const evidence = await get(this.server, `${path}/evidence?collection=${collection}`);
      const expected = state.evidence
        .filter(({ version }) => version.collection === collection)
        .toReversed()
        .map(({ reason, version, clientId }) => ({
          reason,
          ...shownVersion(version),
          client_id: clientId,
          kept_at: expect.any(String),
        }));
      agree(evidence.json, { evidence: expected });
    }
    for (const key of keys) {
      const query = new URLSearchParams({ collection: "readings", key }).toString();
      const history = await get(this.server, `${path}/history?${query}`);
      const versions = state.history.filter((version) => version.key === key).toReversed();
      agree(history.json, { versions: versions.map(shown) });
    }
  }
}

export const take = async (world: World, each: Step): Promise<void> => {
  switch (each.do) {
    case "sync":
      return world.sync(each);
    case "repeat": {
      const request = world.requests[each.which % world.requests.length];
      if (request !== undefined) await world.send(request);
      return;
    }
    case "bad request":
      agree((await postSync(world.server, each.body)).status, 400);
      return;
    case "reopen":
      return world.open();
    case "save":
      return world.save();
    case "restore":
      return world.restore();
    case "tick":
      world.clockMs += each.ms;
      return;
    case "purge":
      return world.purge(each.offsetMs);
  }
};
