import { hash, randomUUID } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

const toMicros = (stamp) =>
  BigInt(Date.parse(`${stamp.slice(0, 19)}Z`)) * 1000n + BigInt(stamp.slice(20, -1).padEnd(6, "0"));
const toStamp = (micros) =>
  `${new Date(Number(micros / 1000n)).toISOString().slice(0, 19)}.${String(micros % 1_000_000n).padStart(6, "0")}Z`;
const idOf = ({ collection, key }) => `${collection}\0${key}`;
const isNewer = (a, b) => toMicros(a.updated_at) > toMicros(b.updated_at);

const sumOf = (records) => {
  let sum = 0n;
  for (const { collection, key, seq } of records) {
    const bytes = hash("sha256", `${collection}\0${key}\0${seq}`, "buffer");
    sum = BigInt.asUintN(64, sum + bytes.readBigUInt64BE());
  }
  return sum.toString(16).padStart(16, "0");
};

/** A whole client of /v2: edits offline, loses nothing, and keeps all it knows in one file. */
export class MinimalClient {
  #state = {
    clientId: randomUUID(),
    cursor: null,
    ack: null,
    generation: 0, // records of an older mark are dropped when a run ends
    isOfferRun: false,
    records: {}, // as the server gave them, each with the generation that marked it
    outbox: [], // edits that no request has carried yet, at most one a record, and offers
    inFlight: null, // {changes, body}: sent again as it is until it is answered
    rejected: [], // refused for good, with the reason: never thrown away unseen
    restartedAt: null,
    offsetMs: 0,
  };

  constructor({ file, url, fetch = globalThis.fetch, now = Date.now }) {
    Object.assign(this, { file, url, fetch, now });
    if (existsSync(file)) this.#state = JSON.parse(readFileSync(file, "utf8"));
  }

  /** What the user sees: the server's records with what is not settled yet over them. */
  get(collection, key) {
    const version = this.#seen(idOf({ collection, key }));
    return version === undefined || version.deleted ? null : version.value;
  }

  #seen(id) {
    const { records, outbox, inFlight } = this.#state;
    const unsettled = [...(inFlight?.changes ?? []), ...outbox];
    return unsettled.findLast((entry) => idOf(entry) === id) ?? records[id];
  }

  get state() {
    return structuredClone(this.#state);
  }

  /** `value` null deletes. Durable when it returns; no network is needed. */
  edit(collection, key, value) {
    const { records, outbox } = this.#state;
    const id = idOf({ collection, key });
    const unsent = outbox.findIndex((entry) => idOf(entry) === id && !entry.offer);
    const [earlier] = unsent === -1 ? [] : outbox.splice(unsent, 1);
    const replaced = earlier?.replaced ?? this.#seen(id)?.updated_at ?? null;
    const content = value === null ? { deleted: true } : { value };
    const base = records[id]?.generation === this.#state.generation ? records[id].seq : null;
    outbox.push({ collection, key, base, ...content, editedAt: this.now(), replaced });
    this.#save();
  }

  /** Exchanges until nothing is left on either side. Throws when there is no answer; call it again later. */
  async sync() {
    for (;;) {
      const sentAt = this.now();
      const response = await this.fetch(this.url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: this.#request(),
      });
      if (response.status === 413 && this.#split(await response.json())) continue;
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
      const answer = await response.json();
      this.#state.offsetMs = Date.parse(answer.now) - (sentAt + this.now()) / 2;
      this.#apply(answer);
      this.#save(); // data, cursor, ack and outbox change together
      const { outbox, isOfferRun } = this.#state;
      if (!answer.more && outbox.length === 0 && !isOfferRun) return;
    }
  }

  #request(atMost = 500) {
    const state = this.#state;
    if (state.inFlight === null) {
      const changes = [];
      const ids = new Set();
      state.outbox = state.outbox.filter((entry) => {
        if (changes.length === atMost || ids.has(idOf(entry))) return true;
        ids.add(idOf(entry));
        changes.push({ ...entry, updated_at: entry.updated_at ?? this.#stampOf(entry) });
        return false;
      });
      state.inFlight = { changes, body: this.#bodyOf(changes) };
      this.#save(); // the stamps are frozen before the bytes leave
    }
    return state.inFlight.body;
  }

  #bodyOf(changes) {
    const { clientId, cursor, ack, isOfferRun } = this.#state;
    const wire = changes.map(({ editedAt, replaced, offer, ...change }) => change);
    return JSON.stringify({
      client_id: clientId,
      cursor,
      ack,
      tombstones: isOfferRun,
      changes: wire,
    });
  }

  #stampOf({ editedAt, replaced }) {
    const clock = BigInt(Math.round(editedAt + this.#state.offsetMs)) * 1000n;
    const next = replaced === null ? 0n : toMicros(replaced) + 1n;
    return toStamp(clock > next ? clock : next);
  }

  /** Too large: half as many at a time; a single change that is too large is refused for good. */
  #split(problem) {
    const state = this.#state;
    const { changes } = state.inFlight;
    if (changes.length === 0) return false;
    state.inFlight = null;
    if (changes.length === 1) state.rejected.push({ change: changes[0], reason: problem });
    else state.outbox.unshift(...changes);
    this.#request(Math.ceil(changes.length / 2));
    return true;
  }

  #apply(answer) {
    const state = this.#state;
    if (answer.reset !== undefined || state.cursor === null) state.generation += 1;
    const { changes } = state.inFlight;
    state.inFlight = null;
    // `results` may answer a prefix: what follows was not judged and is sent again.
    state.outbox.unshift(...changes.slice(answer.results.length));
    if (answer.reset !== undefined) {
      state.ack = null;
      state.isOfferRun ||= answer.reset === "offer";
    }
    for (const [index, result] of answer.results.entries())
      this.#settle(changes[index], result, answer);
    // A seq of an older mark says nothing.
    if (answer.reset !== undefined) for (const entry of state.outbox) entry.base = null;
    for (const record of answer.changes) this.#take(record);
    state.ack = answer.ack ?? state.ack;
    state.cursor = answer.cursor;
    if (!answer.more) this.#endRun(answer.digest);
  }

  #settle({ editedAt, replaced, offer, ...change }, result, answer) {
    if (result.seq > 0) this.#take({ ...change, seq: result.seq });
    if (result.rejected === undefined) return;
    const { code, stored } = result.rejected;
    if (code === "stamp_ahead" && !(offer && stored !== null)) {
      const clock = toMicros(answer.now);
      const next = stored === null ? 0n : toMicros(stored) + 1n;
      const updated_at = toStamp(clock > next ? clock : next);
      this.#state.outbox.unshift({ ...change, updated_at, offer });
    } else if (!(offer && code === "stale")) {
      this.#state.rejected.push({ change, reason: result.rejected });
    }
  }

  /** By seq, within a generation. In an offer run what is held and newer is offered. */
  #take(record) {
    const { records, generation, isOfferRun } = this.#state;
    const id = idOf(record);
    const held = records[id];
    const isOlderMark = held !== undefined && held.generation < generation;
    if (held !== undefined && !isOlderMark && held.seq >= record.seq) return;
    if (isOfferRun && isOlderMark && isNewer(held, record)) this.#offer(held);
    const { base, ...version } = record;
    records[id] = { ...version, generation };
  }

  #offer({ seq, generation, author_unverified, ...version }) {
    const author = version.author ?? author_unverified;
    this.#state.outbox.unshift({ ...version, author, base: null, offer: true });
  }

  #endRun(digest) {
    const state = this.#state;
    for (const [id, record] of Object.entries(state.records)) {
      if (record.generation === state.generation) continue;
      if (state.isOfferRun) this.#offer(record);
      delete state.records[id];
    }
    state.isOfferRun = false;
    const isEqual = Object.entries(digest.collections).every(([name, { count, sum }]) => {
      const held = Object.values(state.records).filter(({ collection }) => collection === name);
      if (held.some(({ seq }) => seq > digest.at)) return true; // newer than the digest: no judgement
      const live = held.filter(({ deleted }) => !deleted);
      return live.length === count && sumOf(live) === sum;
    });
    const restartedAgo = this.now() - (state.restartedAt ?? Number.NEGATIVE_INFINITY);
    if (isEqual || restartedAgo < 86_400_000) return;
    Object.assign(state, { cursor: null, isOfferRun: true, restartedAt: this.now() });
  }

  #save() {
    writeFileSync(`${this.file}.new`, JSON.stringify(this.#state), { flush: true });
    renameSync(`${this.file}.new`, this.file);
  }
}
