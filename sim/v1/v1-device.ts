import { formatStamp, parseInstant, type Stamp } from "@synchro/core";
import type { V1Answer, V1Record } from "@synchro/protocol";
import type { Network, Transport } from "../network.ts";
import { type MachineClock, type Process, startProcess } from "../world/machine.ts";
import type { Random } from "../world/random.ts";
import type { World } from "../world/world.ts";

/** How a device of the origin asks for what is new: by the time of its last exchange, or by a cursor. */
export type V1Kind = "by_date" | "by_cursor";

/** A device with the origin's program: it knows readings alone, deletes nothing, and offers nothing. */
export type V1Device = {
  readonly name: string;
  readonly kind: V1Kind;
  readonly space: string;
  readonly readings: () => ReadonlyMap<string, V1Record>;
  readonly unsent: () => readonly V1Record[];
  readonly cursor: () => string;
  readonly edit: () => void;
  readonly start: () => void;
  readonly kill: () => void;
  readonly isRunning: () => boolean;
};

const REQUEST_MS = 10_000;
const SENT_MAX = 6;

type Kept = {
  readonly readings: ReadonlyMap<string, V1Record>;
  readonly unsent: readonly V1Record[];
  readonly cursor: string;
  readonly lastSyncDate: string;
};

const NOTHING_KEPT: Kept = {
  readings: new Map(),
  unsent: [],
  cursor: "",
  lastSyncDate: "1970-01-01T00:00:00Z",
};

const isSame = (a: V1Record, b: V1Record): boolean =>
  a.gtin === b.gtin && a.updated_at === b.updated_at && a.expiration_date === b.expiration_date;

/** What is left once an answer is there; it is saved whole. */
const applyAnswer = (kept: Kept, sent: readonly V1Record[], answer: V1Answer): Kept => {
  // After a reset the answer is all that the server has.
  const readings = new Map(answer.reset === true ? [] : kept.readings);
  for (const record of sent) readings.set(record.gtin, record);
  for (const record of answer.data) readings.set(record.gtin, record);
  return {
    readings,
    unsent: kept.unsent.filter((record) => !sent.some((other) => isSame(record, other))),
    cursor: answer.cursor ?? kept.cursor,
    lastSyncDate: answer.now ?? kept.lastSyncDate,
  };
};

/** Forms of the dates that `/v1` takes for one instant. */
const writeDate = (random: Random, stamp: Stamp): string => {
  const text = formatStamp(stamp);
  return random.pick([
    text,
    text.replace("T", " "),
    text.replace("Z", "+00:00"),
    text.slice(0, -1),
  ]);
};

// oxlint-disable-next-line max-lines-per-function -- the program, the person and the process of one device
export const createV1Device = (
  deps: {
    readonly world: World;
    readonly network: Network;
    readonly clock: MachineClock;
    readonly keys: number;
  },
  { name, kind, space }: Pick<V1Device, "name" | "kind" | "space">,
): V1Device => {
  const { world, network, clock } = deps;
  const random = world.random.fork();
  let kept = NOTHING_KEPT;
  let process: Process | null = null;
  const exchange = async (transport: Transport, life: Process): Promise<void> => {
    const before = kept;
    // Of one gtin the last alone, or all of them: both work.
    const sent = before.unsent.slice(0, SENT_MAX);
    const from =
      kind === "by_cursor" ? { cursor: before.cursor } : { last_sync_date: before.lastSyncDate };
    const body = JSON.stringify({ ...from, newly_created_records: sent });
    const answer = await transport.request({ kind: "v1", space, body }, { timeoutMs: REQUEST_MS });
    if (answer !== null) world.counters.count(`v1_answer_${answer.status}`);
    if (answer?.status !== 200 || !life.isAlive()) return;
    const read = JSON.parse(answer.body) as V1Answer;
    if (read.reset === true) world.counters.count("v1_reset");
    kept = applyAnswer(kept, sent, read);
  };
  const run = (life: Process): void => {
    const transport = network.connect(name, life);
    const next = (): void => {
      const again = (): void => {
        life.runtime.after(random.between(200, 6_000), next);
      };
      exchange(transport, life).then(again, (error: unknown) => {
        world.fail(`${name} crashed: ${String((error as Error).stack)}`);
      });
    };
    next();
  };
  return {
    name,
    kind,
    space,
    readings: () => kept.readings,
    unsent: () => kept.unsent,
    cursor: () => kept.cursor,
    isRunning: () => process !== null,
    edit: () => {
      if (process === null) return;
      const stamp = process.runtime.now();
      const day = random.between(10, 28);
      const record: V1Record = {
        gtin: `k${random.below(deps.keys)}`,
        updated_at: writeDate(random, stamp),
        expiration_date: random.pick([`2026-12-${day}`, `2026-12-${day}T08:00:00+02:00`]),
      };
      if (parseInstant(record.updated_at) === null) throw new Error("no date of /v1");
      world.counters.count("v1_edit");
      kept = { ...kept, unsent: [...kept.unsent, record] };
    },
    start: () => {
      if (process !== null) return;
      process = startProcess(name, { scheduler: world.scheduler, random: random.fork(), clock });
      run(process);
    },
    kill: () => {
      process?.kill();
      process = null;
    },
  };
};
