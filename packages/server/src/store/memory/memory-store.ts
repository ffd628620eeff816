import {
  drawEpoch,
  type Epoch,
  listEpoch,
  planPush,
  type SpaceId,
  type SpaceState,
  type Stamp,
  type StoredRecord,
  recordId,
} from "@synchro/core";
import { answerPull } from "../answer-pull.ts";
import { createPolicyOf, type PolicyOf } from "../create-policy-of.ts";
import { evidenceCutoff } from "../evidence-cutoff.ts";
import { recordBytes } from "../record-bytes.ts";
import { StoreClosedError } from "../store-closed-error.ts";
import type {
  BeginEpochOutcome,
  EraseOutcome,
  KeptEvidence,
  KeptRejection,
  PullOutcome,
  PurgeOutcome,
  PushOutcome,
  SpaceSnapshot,
  Store,
  StoreOptions,
  StorePull,
  StorePush,
} from "../store.ts";
import { applyPush, declareIn, emptyImage, eraseImage, purgeTombstones } from "./memory-commit.ts";
import { MemoryDisk, type SpaceImage } from "./memory-disk.ts";
import { MemorySnapshot } from "./memory-snapshot.ts";

const bytesHeld = (image: SpaceImage | undefined): number =>
  [...(image?.records.values() ?? [])].reduce((sum, { record }) => sum + recordBytes(record), 0);

/**
 * The reference model: what a store is, in arrays and maps, with full scans and no cleverness. The
 * other engines are held against it. Writes that wait share one commit, `runtime.soon` after the
 * first came; each is visible and on its disk at that moment.
 */
export class MemoryStore implements Store {
  readonly capabilities = { isDurable: false };
  readonly #options: StoreOptions;
  readonly #disk: MemoryDisk;
  readonly #policyOf: PolicyOf;
  #epoch: Epoch;
  #waiting: (() => void)[] = [];
  #isClosed = false;

  constructor(options: StoreOptions, disk: MemoryDisk = new MemoryDisk()) {
    this.#options = options;
    this.#disk = disk;
    this.#policyOf = createPolicyOf(options);
    this.#epoch = drawEpoch(options.runtime);
    disk.owner = this;
    this.#declare();
  }

  get epoch(): Epoch {
    return this.#epoch;
  }

  push(request: StorePush): Promise<PushOutcome> {
    return this.#commitSoon(() => this.#push(request));
  }

  purge(space: SpaceId, cutoff: Stamp): Promise<PurgeOutcome> {
    return this.#commitSoon(() => this.#purge(space, cutoff));
  }

  beginEpoch(space: SpaceId | null): Promise<BeginEpochOutcome> {
    const drawn = drawEpoch(this.#options.runtime);
    return this.#commitSoon(() => this.#beginEpoch(space, drawn));
  }

  eraseSpace(space: SpaceId): Promise<EraseOutcome> {
    const drawn = drawEpoch(this.#options.runtime);
    const now = this.#options.runtime.now();
    return this.#commitSoon(() => this.#erase(space, drawn, now));
  }

  async pull(request: StorePull): Promise<PullOutcome> {
    const image = this.#image(request.space);
    const declared = [...this.#options.collections.keys()].toSorted();
    return answerPull(image?.state ?? null, request, declared, (plan, collections) =>
      [...(image?.records.values() ?? [])]
        .map(({ record }) => record)
        .filter((record) => collections.includes(record.collection) && record.seq > plan.after)
        .filter((record) => record.value !== null || record.seq > plan.tombstonesAfter)
        .toSorted((a, b) => a.seq - b.seq),
    );
  }

  async openSnapshot(space: SpaceId): Promise<SpaceSnapshot> {
    return new MemorySnapshot(this.#image(space));
  }

  async listSpaces(): Promise<readonly SpaceId[]> {
    if (this.#isClosed) throw new StoreClosedError();
    return [...this.#disk.spaces.keys()].toSorted();
  }

  async describeSpace(space: SpaceId): Promise<SpaceState | null> {
    return this.#image(space)?.state ?? null;
  }

  async listEvidence(
    space: SpaceId,
    of: Parameters<Store["listEvidence"]>[1],
  ): Promise<readonly KeptEvidence[]> {
    const cutoff = evidenceCutoff(this.#options.runtime.now(), this.#options.limits);
    return (this.#image(space)?.evidence ?? [])
      .filter(({ collection, key }) => collection === of.collection && key === (of.key ?? key))
      .filter((kept) => kept.keptAt >= cutoff)
      .toReversed()
      .slice(0, of.limit);
  }

  async listRejections(
    space: SpaceId,
    of: Parameters<Store["listRejections"]>[1],
  ): Promise<readonly KeptRejection[]> {
    return (this.#image(space)?.rejections ?? [])
      .filter((kept) => of.clientId === null || kept.clientId === of.clientId)
      .toReversed()
      .slice(0, of.limit)
      .map(({ clientId, rejection, body, keptAt }) => ({ clientId, rejection, body, keptAt }));
  }

  async listHistory(
    space: SpaceId,
    of: Parameters<Store["listHistory"]>[1],
  ): Promise<readonly StoredRecord[]> {
    return (this.#image(space)?.history ?? [])
      .filter(({ collection, key }) => collection === of.collection && key === of.key)
      .filter(({ seq }) => of.beforeSeq === null || seq < of.beforeSeq)
      .toReversed()
      .slice(0, of.limit);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    const last = this.#commitSoon(() => {});
    this.#isClosed = true;
    await last;
  }

  /** The space's image at this moment; null if there is none. */
  #image(space: SpaceId): SpaceImage | null {
    if (this.#isClosed) throw new StoreClosedError();
    return this.#disk.spaces.get(space) ?? null;
  }

  #replace(space: SpaceId, image: SpaceImage): void {
    if (this.#disk.owner !== this) throw new Error("another store has been opened over this disk");
    this.#disk.spaces = new Map(this.#disk.spaces).set(space, image);
  }

  #commitSoon<Outcome>(write: () => Outcome): Promise<Outcome> {
    if (this.#isClosed) return Promise.reject(new StoreClosedError());
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        try {
          resolve(write());
        } catch (error) {
          reject(error);
        }
      });
      if (this.#waiting.length === 1) this.#options.runtime.soon(() => this.#commit());
    });
  }

  #commit(): void {
    const group = this.#waiting;
    this.#waiting = [];
    for (const write of group) write();
  }

  #push(request: StorePush): PushOutcome {
    const { runtime, collections, limits } = this.#options;
    const { space, changes, now, checksClocks } = request;
    const image = this.#disk.spaces.get(space) ?? emptyImage(this.#epoch);
    const plan = planPush({
      positions: request.positions,
      state: image.state,
      epoch: this.#epoch,
      changes,
      stored: (collection, key) => image.records.get(recordId(collection, key))?.record ?? null,
      policyOf: this.#policyOf,
      now,
      checksClocks,
      lostBytesMax: limits.lostBytesMax,
      rejectedBytesMax: limits.rejectedBytesMax,
      bytesOf: recordBytes,
      sha256: runtime.sha256,
    });
    const next = applyPush(image, plan, request, {
      limits,
      keepsHistory: (name) => collections.get(name)?.keepsHistory === true,
    });
    if (!this.#fits(space, next)) return { kind: "full" };
    if (changes.length > 0) this.#replace(space, next);
    return {
      kind: "committed",
      results: plan.results,
      lostTo: plan.lostTo,
      position: { epoch: next.state.epochs.at(-1)?.epoch ?? this.#epoch, seq: next.state.head },
      changed: plan.writes.length,
    };
  }

  /** A full disk still takes what does not make its data grow. */
  #fits(space: SpaceId, next: SpaceImage): boolean {
    const { spaces, bytesMax } = this.#disk;
    if (bytesMax === Number.POSITIVE_INFINITY) return true;
    const before = spaces.get(space);
    const growth = bytesHeld(next) - bytesHeld(before);
    if (growth <= 0) return true;
    const held = [...spaces.values()].reduce((sum, image) => sum + bytesHeld(image), 0);
    return held + growth <= bytesMax;
  }

  #purge(space: SpaceId, cutoff: Stamp): PurgeOutcome {
    const image = this.#disk.spaces.get(space);
    if (image === undefined) return { kind: "purged", purged: 0, floor: 0 };
    const { collections } = this.#options;
    const next = purgeTombstones(image, cutoff, (name) => collections.has(name));
    this.#replace(space, next.image);
    return { kind: "purged", purged: next.purged, floor: next.image.state.floor };
  }

  #beginEpoch(space: SpaceId | null, drawn: Epoch): BeginEpochOutcome {
    let count = 0;
    for (const [name, image] of this.#disk.spaces) {
      if (space !== null && name !== space) continue;
      const epochs = listEpoch(image.state.epochs, drawn, image.state.head);
      this.#replace(name, { ...image, state: { ...image.state, epochs } });
      count += 1;
    }
    this.#epoch = drawn;
    return { kind: "begun", epoch: drawn, spaces: count };
  }

  #erase(space: SpaceId, drawn: Epoch, now: Stamp): EraseOutcome {
    const image = this.#disk.spaces.get(space);
    if (image === undefined) return { kind: "erased", isFound: false };
    const next = eraseImage(image, drawn, now);
    if (next === image) return { kind: "erased", isFound: false };
    this.#replace(space, next);
    this.#epoch = drawn;
    return { kind: "erased", isFound: true };
  }

  /** Undeclared collections were left out of every answer: declared again, they come as news. See EPOCH-8. */
  #declare(): void {
    const { collections, runtime } = this.#options;
    const declared = new Set(collections.keys());
    if (declared.symmetricDifference(this.#disk.declared).size === 0) return;
    const added = declared.difference(this.#disk.declared);
    const at = { epoch: this.#epoch, now: runtime.now(), sha256: runtime.sha256 };
    this.#disk.spaces = new Map(
      [...this.#disk.spaces].map(([space, image]) => [space, declareIn(image, added, at)]),
    );
    this.#disk.declared = declared;
  }
}
