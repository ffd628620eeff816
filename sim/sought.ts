import { decodeCursor } from "@synchro/core";
import type { ClientState } from "./client/client-state.ts";
import type { Device } from "./device.ts";
import type { StepFault } from "./plan.ts";

const soughtInRuns: ReadonlySet<StepFault> = new Set([
  "restore",
  "server_kill",
  "device_kill",
  "power_cut",
  "device_full",
  "purge",
  "store_full",
]);

/** What would hardly ever meet an offer run, which is short: how many times as often it strikes then. */
const OFFER_RUN_TIMES = 12;

/** What ends all that is owed, and with it what the others would show. */
const endsDebts: ReadonlySet<StepFault> = new Set(["restore_final", "erase", "wipe"]);

/** What strikes more often while a device has been promised what it has not read. */
const promisedTimes: { readonly [fault in StepFault]?: number } = {
  restore: 12,
  image: 6,
  device_kill: 4,
  power_cut: 4,
};

/** Whether the last answer to a change is of a place that the device has not read up to. */
const comparePlaces = ({ settled, cursor }: ClientState): boolean => {
  const fate = settled.at(-1)?.fate;
  if (fate?.kind !== "applied" || cursor === null) return false;
  const read = decodeCursor(cursor);
  return read !== "invalid" && fate.seq > read.seq;
};

/** By state: it is asked before each step, and a state never changes. */
const isPromisedMoreOf = new WeakMap<ClientState, boolean>();

const isPromisedMore = (state: ClientState): boolean => {
  const known = isPromisedMoreOf.get(state);
  if (known !== undefined) return known;
  const isMore = comparePlaces(state);
  isPromisedMoreOf.set(state, isMore);
  return isMore;
};

/** What goes wrong in the middle of something short is worth more than its share: how many times as much, at this moment. */
export const soughtNow = (devices: readonly Device[]): ((fault: StepFault) => number) => {
  const phases = new Set(devices.map((device) => device.phase()));
  if (phases.has("offer_run")) {
    return (fault) => (endsDebts.has(fault) ? 2 : OFFER_RUN_TIMES);
  }
  const isInFirstRun = phases.has("first_run");
  return (fault) => {
    if (isInFirstRun && soughtInRuns.has(fault)) return 6;
    // What a device has been promised and has not read yet is what only an ack can tell of.
    const times = promisedTimes[fault] ?? 1;
    return times > 1 && devices.some((device) => isPromisedMore(device.state())) ? times : 1;
  };
};
