import fc from "fast-check";
import { expect, test } from "vitest";
import { at, NOON, stored } from "../../testing/samples.ts";
import { sha256 } from "../../testing/sha256.ts";
import { lastWrite } from "../merge/last-write.ts";
import type { StoredRecord } from "../record.ts";
import { toHex } from "../runtime.ts";
import { addMicros, type Stamp } from "../stamp.ts";
import { type DocumentVersions, versionsOfRecord, writeOver } from "./document.ts";
import type { History } from "./insert-history.ts";
import { type Arrival, replicate } from "./replicate.ts";
import { type Revision, revisionOf, generationOf } from "./revision.ts";
import { revisionOfWrite } from "./revision-of-write.ts";
import { ancestryOf, conflictsOf, leavesOf, winnerOf } from "./revision-tree.ts";
import { formatTree } from "./tree-text.ts";

const run = { seed: 20_261_124, numRuns: 500 };
const revisionsMax = 1_000;

const historyOf = ({ tree }: DocumentVersions, revision: Revision): History => {
  const [newest = revision, ...rest] = ancestryOf(tree, revision);
  return { revisions: [newest, ...rest], isDeleted: tree.get(revision)?.isDeleted ?? false };
};

/** A server with one document. */
class Server {
  versions: DocumentVersions = versionsOfRecord(sha256, null);
  record: StoredRecord | null = null;
  #seq = 0;

  /** An ordinary change, judged by its stamp. */
  write(stamp: Stamp, value: string | null): void {
    const proposed = { stamp, value, fieldState: null };
    if (lastWrite.judge(this.record, proposed) !== "replace") return;
    this.versions = writeOver(this.versions, { stamp, value }, { sha256, revisionsMax });
    this.#store(stamp, value);
  }

  receive(arrivals: readonly Arrival[], now: Stamp): void {
    const context = { sha256, revisionsMax, now };
    const outcome = replicate(this.versions, this.record, arrivals, context);
    this.versions = outcome.versions;
    if (outcome.record.kind === "written") {
      this.#store(outcome.record.version.stamp, outcome.record.version.value);
    }
  }

  /** The leaves with their contents and histories, as a replication reads them. */
  send(): readonly Arrival[] {
    const { tree, leaves } = this.versions;
    const winner = winnerOf(tree)?.revision;
    return leavesOf(tree).map(({ revision, isDeleted }) => {
      const isWinner = revision === winner;
      const content = leaves.get(revision);
      const value = isWinner ? (this.record?.value ?? null) : (content?.value ?? null);
      const stamp = isWinner ? (this.record?.stamp ?? null) : (content?.stamp ?? null);
      return {
        history: historyOf(this.versions, revision),
        value: isDeleted ? null : value,
        stamp,
        attachments: content?.attachments ?? null,
      };
    });
  }

  /** What must never be, if it is. */
  faults(): readonly string[] {
    const { tree, leaves } = this.versions;
    const winner = winnerOf(tree);
    if (winner === null) return [];
    const live = new Set(leavesOf(tree).flatMap((leaf) => (leaf.isDeleted ? [] : [leaf.revision])));
    return [
      ...((this.record?.value === null) === winner.isDeleted
        ? []
        : ["the record is not the winner"]),
      ...conflictsOf(tree).filter((revision) => leaves.get(revision)?.value == null),
      ...[...leaves.keys()].filter((revision) => !live.has(revision)),
    ];
  }

  #store(stamp: Stamp, value: string | null): void {
    this.#seq += 1;
    this.record = stored({ seq: this.#seq, stamp, value });
  }
}

const moment = fc.integer({ min: 0, max: 6 }).map((minute) => addMicros(NOON, minute * 60_000_000));
const value = fc.constantFrom(null, '{"n":1}', '{"n":2}', '{"n":1.0}');

const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("write" as const), to: fc.nat(2), stamp: moment, value }),
    fc.record({
      kind: fc.constant("replicate" as const),
      from: fc.nat(2),
      to: fc.nat(2),
      now: moment,
    }),
    // An app of CouchDB's world: it writes over a leaf that it sees, and knows of no stamps.
    fc.record({
      kind: fc.constant("edit" as const),
      to: fc.nat(2),
      leaf: fc.nat(3),
      hash: fc.constantFrom("a", "b", "c"),
      now: moment,
      value,
    }),
  ),
  { maxLength: 12 },
);

const editOf = (server: Server, leaf: number, hash: string, value_: string | null): Arrival => {
  const leaves = leavesOf(server.versions.tree);
  const parent = leaves[leaf % Math.max(1, leaves.length)]?.revision ?? null;
  const generation = parent === null ? 1 : generationOf(parent) + 1;
  // As PouchDB's do, the name stands for content and parent.
  const name = toHex(sha256(JSON.stringify([parent, hash, value_])).subarray(0, 16));
  const revision = revisionOf(generation, name);
  const rest = parent === null ? [] : ancestryOf(server.versions.tree, parent);
  const history: History = { revisions: [revision, ...rest], isDeleted: value_ === null };
  return { history, value: value_, stamp: null, attachments: null };
};

test("[COUCH-11] servers that have replicated with each other hold the same revisions and the same value", () => {
  fc.assert(
    fc.property(steps, (history) => {
      const servers = [new Server(), new Server(), new Server()] as const;
      const serverOf = (index: number): Server => servers[index] ?? servers[0];
      for (const step of history) {
        if (step.kind === "write") serverOf(step.to).write(step.stamp, step.value);
        else if (step.kind === "replicate") {
          serverOf(step.to).receive(serverOf(step.from).send(), step.now);
        } else {
          const server = serverOf(step.to);
          server.receive([editOf(server, step.leaf, step.hash, step.value)], step.now);
        }
        for (const server of servers) expect(server.faults()).toEqual([]);
      }
      const read = (): string[] => servers.map(({ versions }) => formatTree(versions.tree));
      for (let round = 0; round < 30; round += 1) {
        const before = read();
        for (const to of servers) {
          for (const from of servers) if (from !== to) to.receive(from.send(), NOON);
        }
        if (read().every((text, index) => text === before[index])) break;
      }
      const [first, ...others] = read();
      for (const other of others) expect(other).toBe(first);
      const values = servers.map(({ record }) => JSON.parse(record?.value ?? "null") as unknown);
      for (const other of values) expect(other).toEqual(values[0]);
    }),
    run,
  );
});

test("[COUCH-11] a request whose answer was lost changes nothing when it comes again", () => {
  fc.assert(
    fc.property(steps, moment, (history, now) => {
      const [server, other] = [new Server(), new Server()];
      for (const step of history) {
        const to = step.to === 0 ? other : server;
        if (step.kind === "write") to.write(step.stamp, step.value);
        if (step.kind === "edit") to.receive([editOf(to, step.leaf, step.hash, step.value)], now);
      }
      server.receive(other.send(), now);
      const { versions, record } = server;
      server.receive(other.send(), at("2030-01-01T00:00:00Z"));
      expect(formatTree(server.versions.tree)).toBe(formatTree(versions.tree));
      expect(server.record).toBe(record);
      expect(server.versions.leaves).toEqual(versions.leaves);
    }),
    run,
  );
});

test("[COUCH-8] the name of a version is of its value as data, its stamp and what it stands over", () => {
  const name = (parent: Revision | null, stamp: Stamp, text: string | null) =>
    revisionOfWrite(sha256, parent, { stamp, value: text });
  const first = name(null, NOON, '{"a":1,"b":[2.0]}');
  expect(first).toMatch(/^1-[0-9a-f]{32}$/);
  expect(name(null, NOON, '{ "b": [2], "a": 1 }')).toBe(first);
  const others = [
    name(null, NOON, '{"a":1,"b":[3]}'),
    name(null, addMicros(NOON, 1), '{"a":1,"b":[2.0]}'),
    name(null, NOON, null),
    name(first, NOON, '{"a":1,"b":[2.0]}'),
  ];
  expect(new Set([first, ...others]).size).toBe(5);
  expect(others[3]).toMatch(/^2-/);
});
