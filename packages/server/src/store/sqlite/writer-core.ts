import type { DatabaseSync } from "node:sqlite";
import type { CollectionName } from "@synchro/core";
import { GroupSpaces } from "./group-spaces.ts";
import { RequestWriter, type WriterContext } from "./request-writer.ts";
import { prepareRows } from "./row-statement.ts";
import { createSpaceLoader, createSpaceSaver } from "./space-table.ts";
import { sqliteFailureOf } from "./sqlite-failure.ts";
import { rollBack } from "./transaction.ts";
import { UpkeepWriter } from "./upkeep-writer.ts";
import type { WriteRequest, WriteResult } from "./write-request.ts";

/** About how many pages the log may hold before they are brought into the file: 16 MiB. */
const LOG_PAGES_AIM = 4_096;
const PAGE_BYTES = 4_096;
/** Records and commits after which the log is looked at, whatever it held the last time. */
const DUE_MIN = 64;
const DUE_MAX = 100_000;

const steps = {
  begin: "BEGIN IMMEDIATE",
  commit: "COMMIT",
  savepoint: "SAVEPOINT request",
  release: "RELEASE request",
  rollBackTo: "ROLLBACK TO request",
} as const;

/** What a request that was applied adds to the log, in records, large ones counted by their pages. */
const weightOf = (request: WriteRequest, result: WriteResult): number => {
  if (result.kind === "purged") return result.step.purged;
  if (result.kind === "removed") return result.removed;
  if (request.kind !== "push" || result.kind !== "pushed") return 0;
  if (result.outcome.kind === "full" || result.outcome.changed === 0) return 0;
  let weight = 0;
  for (const change of request.push.changes) {
    const units = change.kind === "write" ? (change.value?.length ?? 0) : 0;
    weight += 1 + Math.floor(units / PAGE_BYTES);
  }
  return weight;
};

/**
 * Writes groups of requests on one connection, synchronously, each group in one transaction and
 * each request in a savepoint of its own. It alone holds the write lock. What it throws means that
 * it is beyond use: a sync failed, or a transaction could not be ended.
 */
export class WriterCore {
  readonly #database: DatabaseSync;
  readonly #requests: RequestWriter;
  readonly #upkeep: UpkeepWriter;
  readonly #isDeclared: (collection: CollectionName) => boolean;
  readonly #createSpaces: () => GroupSpaces;
  readonly #sql: { readonly [step in keyof typeof steps]: { readonly run: () => unknown } };
  readonly #checkpoint: () => { readonly logPages: number; readonly movedPages: number };
  /** Records and commits written since the log was last brought into the file, and how many may be. */
  #written = 0;
  #due = 1_000;
  /** Pages that a reader kept in the log the last time. */
  #keptPages = 0;

  constructor(database: DatabaseSync, context: WriterContext) {
    const load = createSpaceLoader(database);
    const saver = createSpaceSaver(database);
    this.#database = database;
    this.#requests = new RequestWriter(database, context, saver);
    this.#upkeep = new UpkeepWriter(database);
    this.#isDeclared = (collection) => context.collections.has(collection);
    this.#createSpaces = () => new GroupSpaces(load, saver);
    this.#sql = {
      begin: database.prepare(steps.begin),
      commit: database.prepare(steps.commit),
      savepoint: database.prepare(steps.savepoint),
      release: database.prepare(steps.release),
      rollBackTo: database.prepare(steps.rollBackTo),
    };
    const checkpoint = prepareRows<[busy: number, logPages: number, moved: number]>(
      database,
      "PRAGMA wal_checkpoint(PASSIVE)",
    );
    this.#checkpoint = () => {
      const [, logPages = 0, movedPages = 0] = checkpoint.get() ?? [];
      return { logPages, movedPages };
    };
  }

  /** Makes a group durable. One result a request; those that are not `full` or `failed` are on the disk. */
  commit(group: readonly WriteRequest[]): readonly WriteResult[] {
    const results = this.#commitTogether(group);
    if (results !== "full") return results;
    if (group.length === 1) return [{ kind: "full" }];
    // Some may fit where all together did not.
    return group.flatMap((request): readonly WriteResult[] => {
      const alone = this.#commitTogether([request]);
      return alone === "full" ? [{ kind: "full" }] : alone;
    });
  }

  /** Brings the log into the file if it has grown. For after the answers: it may take some syncs. */
  tidy(): void {
    if (this.#written < this.#due) return;
    const written = this.#written;
    this.#written = 0;
    try {
      const { logPages, movedPages } = this.#checkpoint();
      const added = Math.max(1, logPages - this.#keptPages);
      // All that was moved makes room: the log begins anew. Under a reader's moment it goes on.
      this.#keptPages = movedPages < logPages ? logPages : 0;
      // The next time is when about as many pages will have come as the log should hold.
      this.#due = Math.round(
        Math.min(DUE_MAX, Math.max(DUE_MIN, (written * LOG_PAGES_AIM) / added)),
      );
    } catch (error) {
      if (sqliteFailureOf(error) === "sync") throw error;
      // No room, or somebody reads: the log still holds everything, and the next time will do.
    }
  }

  #commitTogether(group: readonly WriteRequest[]): readonly WriteResult[] | "full" {
    const spaces = this.#createSpaces();
    try {
      this.#sql.begin.run();
      const results = group.map((request) => this.#apply(request, spaces));
      spaces.save();
      const lastPush = group.findLast((request) => request.kind === "push");
      if (lastPush !== undefined) this.#requests.sweep(lastPush.push.now);
      this.#sql.commit.run();
      for (const [index, result] of results.entries()) {
        const request = group[index];
        if (request !== undefined) this.#written += weightOf(request, result);
      }
      this.#written += 1;
      return results;
    } catch (error) {
      const failure = sqliteFailureOf(error);
      if (failure === "sync") throw error;
      rollBack(this.#database);
      return failure === "full" ? "full" : group.map(() => ({ kind: "failed", error }));
    }
  }

  #apply(request: WriteRequest, spaces: GroupSpaces): WriteResult {
    this.#sql.savepoint.run();
    let result: WriteResult;
    try {
      result = this.#write(request, spaces);
    } catch (error) {
      const failure = sqliteFailureOf(error);
      // Without room, and where SQLite has ended the transaction by itself, the group is lost.
      if (failure === "full" || failure === "sync" || !this.#database.isTransaction) throw error;
      this.#sql.rollBackTo.run();
      result = { kind: "failed", error };
    }
    this.#sql.release.run();
    return result;
  }

  #write(request: WriteRequest, spaces: GroupSpaces): WriteResult {
    switch (request.kind) {
      case "push":
        return { kind: "pushed", outcome: this.#requests.push(request.push, spaces) };
      case "purge": {
        const context = { spaces, isDeclared: this.#isDeclared };
        const step = this.#upkeep.purge(request.space, request.cutoff, request.from, context);
        return { kind: "purged", step };
      }
      case "begin_epoch": {
        const { space, drawn } = request;
        const begun = this.#upkeep.beginEpoch(space, drawn, spaces);
        this.#requests.useEpoch(drawn);
        return { kind: "epoch_begun", spaces: begun };
      }
      case "erase": {
        const { space, drawn, now } = request;
        const isFound = this.#upkeep.erase(space, drawn, now, spaces);
        if (isFound) this.#requests.useEpoch(drawn);
        return { kind: "erased", isFound };
      }
      case "remove_erased":
        return { kind: "removed", ...this.#upkeep.removeErased() };
    }
  }
}
