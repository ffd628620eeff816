import type { ClientState } from "../client/client-state.ts";
import type { Device } from "../device.ts";
import type { World } from "../world/world.ts";
import { holds, type Owed, owedAfterRestore, stillOwed } from "./rest.ts";
import type { ServerOracle } from "./server-oracle.ts";
import type { SpaceModel } from "./space-model.ts";

type Models = ReadonlyMap<string, SpaceModel>;

/** What restores took from the server, and devices are to bring back. */
export type Debts = {
  readonly owed: () => readonly Owed[];
  /** What was owed before is paid until now, or stays owed. Before the server is put back. */
  readonly settle: () => void;
  /** After the server was put back. */
  readonly restored: (before: Models, after: Models) => void;
  /** Nobody is to bring back anything: of a space, or of all (null). */
  readonly forgive: (space: string | null) => void;
  /** A device lost some of what it held, or all of it (null): others may have it. */
  readonly holderLost: (device: string, before: ClientState, after: ClientState | null) => void;
};

export const createDebts = (deps: {
  readonly world: World;
  readonly serverOracle: ServerOracle;
  readonly devices: () => readonly Device[];
}): Debts => {
  const { world, serverOracle, devices } = deps;
  let owed: readonly Owed[] = [];
  return {
    owed: () => owed,
    settle: () => {
      owed = stillOwed(serverOracle, devices(), owed);
    },
    restored: (before, after) => {
      const added = owedAfterRestore(before, after, devices());
      owed = [...owed, ...added];
      for (const { space, record, holders } of added) {
        const { collection, key, stamp } = record;
        world.trace.add(`owed ${space} ${collection} ${key} ${stamp} ${holders.join()}`);
      }
      world.counters.count("restore_owed", added.length);
    },
    forgive: (space) => {
      owed = owed.filter((one) => space !== null && one.space !== space);
    },
    holderLost: (device, before, after) => {
      owed = owed.flatMap((one) => {
        const isLost =
          one.holders.includes(device) &&
          holds(before, one.record) &&
          (after === null || !holds(after, one.record));
        if (!isLost) return [one];
        const holders = one.holders.filter((name) => name !== device);
        if (holders.length > 0) return [{ ...one, holders }];
        world.counters.count("restore_owed_lost_with_device");
        return [];
      });
    },
  };
};
