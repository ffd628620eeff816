import type { SpaceId } from "@synchro/core";
import type { Device, DeviceObserver } from "../device.ts";
import type { Answer, Request } from "../network.ts";
import type { Replica } from "../server/replica.ts";
import { faultsOfV1 } from "../v1/v1-oracle.ts";
import type { World } from "../world/world.ts";
import { checkAnswer } from "./check-answer.ts";
import { createDebts, type Debts } from "./debts.ts";
import { createDeviceOracle, type DeviceOracle } from "./device-oracle.ts";
import { createGivenUp, type GivenUp } from "./given-up.ts";
import { createServerOracle, type ServerOracle } from "./server-oracle.ts";
import { isValidIn } from "./space-model.ts";

/** All who watch a run, and what each must hear of the others. */
export type Oracles = {
  readonly server: ServerOracle;
  readonly device: DeviceOracle;
  readonly debts: Debts;
  readonly givenUp: GivenUp;
  /** Of the devices' disks. */
  readonly observer: DeviceObserver;
  /** Of each answer, as it leaves. */
  readonly check: (request: Request, answer: Answer) => void;
};

/** Who is watched; there once a run has been put together. */
export type Watched = { devices: readonly Device[]; replica: Replica | null };

export const createOracles = (world: World, watched: Watched): Oracles => {
  const devices = (): readonly Device[] => watched.devices;
  const givenUp = createGivenUp(world, devices);
  const server = createServerOracle(world, {
    written: givenUp.committed,
    erased: (space, before) => {
      debts.forgive(space);
      // A push that is committed just before is confirmed by an answer that is read just after it: a
      // digest finds that out.
      device.restored();
      givenUp.add(new Map([[space, before]]), new Map(), space);
    },
    read: async (store, space, { records }) => {
      const { replica } = watched;
      replica?.view.feed({ space, state: await store.describeSpace(space), records });
    },
  });
  const debts = createDebts({ world, serverOracle: server, devices });
  const device = createDeviceOracle(world, server);
  const judge = {
    isPlaceValid: (space: string, place: Parameters<typeof isValidIn>[1]) => {
      const model = server.model(space as SpaceId);
      return model !== undefined && !server.isStateDue(space as SpaceId) && isValidIn(model, place);
    },
    faultsOfV1: (...parts: readonly [string, string, string]) => faultsOfV1(server, ...parts),
  };
  return {
    server,
    device,
    debts,
    givenUp,
    observer: {
      saved: (name, before, after) => {
        device.saved(name, before, after);
        givenUp.check(name, before, after);
      },
      powerCut: (name, before, after) => {
        device.powerCut(name, before, after);
        debts.holderLost(name, before, after);
      },
      wiped: (name, before) => {
        device.wiped(name, before);
        debts.holderLost(name, before, null);
      },
    },
    check: (request, answer) => checkAnswer(world, judge, request, answer),
  };
};
