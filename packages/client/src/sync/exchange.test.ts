import type { CollectionName, Stamp } from "@synchro/core";
import type { WireSyncAnswer } from "@synchro/protocol";
import { beforeEach, describe, expect, test } from "vitest";
import { createManualRuntime, type ManualRuntime } from "../../testing/manual-runtime.ts";
import { recordEdits } from "../outbox/record-edits.ts";
import type { ClientStore } from "../store/client-store.ts";
import { ClientDisk } from "../store/memory/client-disk.ts";
import { openMemoryStore } from "../store/memory/open-memory-store.ts";
import type { Page, PullFrom, Reply, Transport } from "../transport/transport.ts";
import { Exchange } from "./exchange.ts";

const NOW = "2026-11-24T10:00:00.000000Z" as Stamp;
const readings = "readings" as CollectionName;

type Sent = { readonly changes: readonly { readonly key: string }[]; readonly pull?: false };

/** Answers what the test says, and keeps what was sent. */
class ScriptedTransport implements Transport {
  readonly sent: Sent[] = [];
  readonly froms: PullFrom[] = [];
  answer: (body: Sent) => Reply<WireSyncAnswer> = () => {
    throw new Error("nothing to answer with");
  };
  pages: readonly Page[] = [];

  async sync(body: string): Promise<Reply<WireSyncAnswer>> {
    const read = JSON.parse(body) as Sent;
    this.sent.push(read);
    return this.answer(read);
  }

  async pull(): Promise<never> {
    throw new Error("no long poll here");
  }

  readonly #read: Transport["follow"] = async (from, onPage) => {
    this.froms.push(from);
    for (const page of this.pages) {
      if ((await onPage(page)) === "stop") return { kind: "stopped" };
    }
    return { kind: "ended" };
  };
  readPages = this.#read;
  follow = this.#read;
}

let store: ClientStore;
let disk: ClientDisk;
let transport: ScriptedTransport;
let exchange: Exchange;
let runtime: ManualRuntime;
const refused: string[] = [];
const signal = new AbortController().signal;
const options = { pushes: true, signal, onReceived: () => {} };

beforeEach(async () => {
  disk = new ClientDisk();
  store = await openMemoryStore({ createClientId: () => "c_1", disk });
  transport = new ScriptedTransport();
  runtime = createManualRuntime();
  refused.length = 0;
  exchange = new Exchange({
    store,
    transport,
    runtime,
    collections: ["readings"],
    changesMax: 8,
    bytesMax: 100_000,
    limit: null,
    describeStatus: () => null,
    onApplied: () => {},
    onSettled: (settlements) => refused.push(...settlements.map(({ entry }) => entry.key)),
  });
});

const put = async (...keys: readonly string[]): Promise<void> => {
  await store.transact((tx) =>
    recordEdits(
      tx,
      keys.map((key) => {
        const edit = { value: "{}", author: null, editedAt: NOW, schemaVersion: 1 };
        return { collection: readings, key, ...edit };
      }),
    ),
  );
};

const waiting = (): Promise<readonly string[]> =>
  store.read(async (reader) => (await reader.scanOutbox(0, 100)).map(({ key }) => key));

const page = (members: Partial<WireSyncAnswer> = {}): Reply<WireSyncAnswer> => ({
  kind: "answered",
  answer: {
    now: "2026-11-24T10:00:00Z",
    results: [],
    changes: [],
    cursor: "c",
    more: false,
    ...members,
  },
});

let seq = 0;
const applied = (body: Sent) =>
  page({ ack: "a", results: body.changes.map(() => ({ seq: (seq += 1) })) });

const keysSent = (): readonly (readonly string[])[] =>
  transport.sent.map(({ changes }) => changes.map(({ key }) => key));

describe("a push", () => {
  test("[CLIENT-2] that had no answer is the same changes again, whatever was edited since", async () => {
    await put("a", "b");
    transport.answer = () => ({ kind: "unreachable", reason: "no answer" });
    expect(await exchange.next(options)).toMatchObject({ kind: "failed" });
    await put("c");
    transport.answer = applied;
    await exchange.next(options);
    expect(transport.sent[1]?.changes).toEqual(transport.sent[0]?.changes);
    await exchange.next(options);
    expect(keysSent()).toEqual([["a", "b"], ["a", "b"], ["c"]]);
  });

  test("[CLIENT-4] of which a prefix was judged sends the others again", async () => {
    await put("a", "b", "c");
    transport.answer = () => page({ ack: "a", results: [{ seq: 1 }] });
    await exchange.next(options);
    expect(await waiting()).toEqual(["b", "c"]);
    transport.answer = applied;
    await exchange.next(options);
    expect(keysSent()).toEqual([
      ["a", "b", "c"],
      ["b", "c"],
    ]);
  });

  test("[CLIENT-7] that is too large is halved, and grows again with what passes", async () => {
    await put("a", "b", "c", "d", "e");
    transport.answer = (body) => (body.changes.length > 2 ? { kind: "too_large" } : applied(body));
    for (let step = 0; step < 5; step += 1) await exchange.next(options);
    expect(keysSent()).toEqual([
      ["a", "b", "c", "d", "e"],
      ["a", "b", "c"],
      ["a", "b"],
      ["c", "d", "e"],
      ["c", "d"],
    ]);
  });

  test("[CLIENT-6] that is too large although it is one change is final, and only that", async () => {
    await put("huge", "small");
    transport.answer = (body) =>
      body.changes.some(({ key }) => key === "huge") ? { kind: "too_large" } : applied(body);
    for (let step = 0; step < 3; step += 1) await exchange.next(options);
    expect(refused).toEqual(["huge"]);
    expect(await store.read((reader) => reader.countDeadLetters())).toBe(1);
    expect(await waiting()).toEqual([]);
  });

  test("[CLIENT-6] whose request can't be read is found out and put aside, and stays", async () => {
    await put("a", "poison", "b");
    transport.answer = (body) =>
      body.changes.some(({ key }) => key === "poison")
        ? { kind: "refused", status: 400, code: "bad_request", detail: "" }
        : applied(body);
    let step = await exchange.next(options);
    for (let count = 0; count < 12 && step.kind === "went on"; count += 1) {
      step = await exchange.next(options);
    }
    expect(step).toEqual({ kind: "up to date" });
    expect(await waiting()).toEqual(["poison"]);
    expect(await store.read((reader) => reader.countDeadLetters())).toBe(0);
  });

  test("[CLIENT-6] that was put aside is tried again after a while: the server may read it by then", async () => {
    await put("late");
    transport.answer = (body) =>
      body.changes.length > 0
        ? { kind: "refused", status: 400, code: "undeclared_collection", detail: "" }
        : page();
    await exchange.next(options);
    expect(await exchange.hasSendable()).toBe(false);
    await runtime.advance(299_999);
    expect(await exchange.hasSendable()).toBe(false);
    await runtime.advance(1);
    expect(await exchange.hasSendable()).toBe(true);
    transport.answer = applied;
    await exchange.next(options);
    expect(await waiting()).toEqual([]);
  });

  test("[CLIENT-6] is not to blame for a request that would not pass without it either", async () => {
    await put("a", "b");
    const failure = {
      kind: "refused",
      status: 400,
      code: "undeclared_collection",
      detail: "",
    } as const;
    transport.answer = () => failure;
    expect(await exchange.next(options)).toEqual({ kind: "failed", failure });
    transport.answer = applied;
    await exchange.next(options);
    expect(await waiting()).toEqual([]);
  });

  test("[CLIENT-23] without the right to write drops offers and keeps edits", async () => {
    await put("mine");
    transport.answer = () => ({ kind: "forbidden" });
    expect(await exchange.next(options)).toEqual({ kind: "may not write" });
    expect(await waiting()).toEqual(["mine"]);
  });

  test("[CLIENT-15] beside a stream asks for results alone", async () => {
    await put("a");
    transport.answer = () => ({
      kind: "answered",
      answer: { now: "2026-11-24T10:00:00Z", ack: "a", results: [{ seq: 1 }], changes: [] },
    });
    await exchange.pushOnly(signal);
    expect(transport.sent[0]).toMatchObject({ pull: false });
    expect((await store.read((reader) => reader.getMeta(["cursor"]))).cursor).toBeNull();
  });
});

describe("pages", () => {
  const record = (key: string, at: number) => ({
    collection: "readings",
    key,
    seq: at,
    updated_at: "2026-11-24T09:00:00Z",
    value: {},
  });

  test("[CLIENT-16] each is saved with its cursor; a cut answer goes on from the last", async () => {
    transport.pages = [
      { cursor: "one", changes: [record("a", 1)] },
      { cursor: "two", changes: [record("b", 2)] },
    ];
    expect(await exchange.next(options)).toEqual({ kind: "went on", isIdle: false });
    transport.pages = [{ cursor: "three", more: false, changes: [record("c", 3)] }];
    expect(await exchange.next(options)).toEqual({ kind: "up to date" });
    expect(transport.froms.map(({ cursor }) => cursor)).toEqual([null, "two"]);
  });

  test("[CLIENT-15] a stream whose event can't be kept is closed, and opened again at the durable cursor", async () => {
    await store.transact((tx) => tx.putMeta({ cursor: "c" as never }));
    transport.pages = [
      { cursor: "one", more: false, changes: [record("a", 1)] },
      { cursor: "two", more: false, changes: [record("b", 2)] },
    ];
    let pages = 0;
    const end = await exchange.follow(signal, () => {
      pages += 1;
      disk.isFull = true;
    });
    expect({ end, pages }).toEqual({ end: { kind: "full" }, pages: 1 });
    disk.isFull = false;
    await exchange.follow(signal, () => {});
    expect(transport.froms.map(({ cursor }) => cursor)).toEqual(["c", "one"]);
  });

  test("[CLIENT-17] a stream that was opened before its space existed begins a run with its first page of it", async () => {
    const generation = (): Promise<number> =>
      store.read(async (reader) => (await reader.getMeta(["generation"])).generation);
    const absent: Page = { cursor: null, more: false, changes: [] };
    transport.pages = [absent, absent];
    await exchange.follow(signal, () => {});
    expect(await generation()).toBe(1);
    transport.pages = [absent, { cursor: "one", more: true, changes: [record("a", 1)] }];
    await exchange.follow(signal, () => {});
    expect(await generation()).toBe(3);
    const { run } = await store.read((reader) => reader.getMeta(["run"]));
    expect(run).toBe("plain");
  });

  test("[CLIENT-21] an offer run asks for tombstones until it ends", async () => {
    await store.transact((tx) => tx.putMeta({ cursor: "c" as never, run: "offer" }));
    transport.pages = [{ cursor: "one", more: true, changes: [] }];
    await exchange.next(options);
    transport.pages = [{ cursor: "two", more: false, changes: [] }];
    await exchange.next(options);
    transport.answer = () => page();
    await exchange.next(options);
    expect(transport.froms.map(({ tombstones }) => tombstones)).toEqual([true, true]);
    expect(transport.sent[0]).not.toHaveProperty("tombstones");
  });
});
