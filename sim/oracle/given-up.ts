import { decodeAck, decodeCursor, type Epoch, lifeOf, recordId } from "@synchro/core";
import type { ClientState } from "../client/client-state.ts";
import type { Device } from "../device.ts";
import type { World } from "../world/world.ts";
import type { ModelRecord, SpaceModel } from "./space-model.ts";

type Models = ReadonlyMap<string, SpaceModel>;

/** What was given up on purpose, by a final restore or an erasure, and that nobody is to offer (RESET-10). */
export type GivenUp = {
  /** Whatever `before` has and `after` has not, of one space or of all (null). */
  readonly add: (before: Models, after: Models, space: string | null) => void;
  /** The server was put back to data that may have some of it; null: to data that may not know of it. */
  readonly restored: (after: Models | null) => void;
  /** Somebody's late request brought it in: it is data like any other from then on. */
  readonly committed: (space: string, record: ModelRecord) => void;
  /** Holds a device's new offers against it. */
  readonly check: (device: string, before: ClientState, after: ClientState) => void;
};

const versionId = (
  space: string,
  {
    collection,
    key,
    stamp,
  }: Pick<ModelRecord, "collection" | "key"> & { readonly stamp: string | null },
): string => `${space} ${recordId(collection as never, key)} ${stamp}`;

const isOffering = ({ run, isSuspect, outbox }: ClientState): boolean =>
  run === "offer" || isSuspect || outbox.some(({ kind }) => kind === "offer");

const lifeOfPlace = (place: { readonly epoch: Epoch } | "invalid" | null): number =>
  place === null || place === "invalid" ? 0 : lifeOf(place.epoch);

/**
 * What the wire has no word for (RESET-10): who was still in the run that was to drop it when a
 * restore called for an offer, or had pushed in the new life and read nothing of it, holds it yet,
 * and offers it with what is wanted.
 */
const hasNotDropped = ({ run, cursor, ack }: ClientState): boolean =>
  run !== null ||
  lifeOfPlace(ack === null ? null : decodeAck(ack)) >
    lifeOfPlace(cursor === null ? null : decodeCursor(cursor));

export const createGivenUp = (world: World, devices: () => readonly Device[]): GivenUp => {
  /** By version the devices that were in the middle of an offer run then: they go on with it. */
  const versions = new Map<string, ReadonlySet<string>>();
  return {
    add: (before, after, space) => {
      const excused = new Set(
        devices()
          .filter((device) => isOffering(device.state()))
          .map(({ name }) => name),
      );
      for (const [name, model] of before) {
        if (space !== null && name !== space) continue;
        for (const [id, record] of model.records) {
          if (after.get(name)?.records.get(id)?.stamp === record.stamp) continue;
          versions.set(versionId(name, record), excused);
          world.counters.count("version_given_up");
        }
      }
    },
    restored: (after) => {
      if (after === null) return versions.clear();
      for (const [name, model] of after) {
        for (const record of model.records.values()) versions.delete(versionId(name, record));
      }
    },
    committed: (space, record) => {
      versions.delete(versionId(space, record));
    },
    check: (device, before, after) => {
      if (versions.size === 0 || before.outbox === after.outbox) return;
      const known = new Set(before.outbox.map(({ id }) => id));
      for (const entry of after.outbox) {
        if (entry.kind !== "offer" || known.has(entry.id)) continue;
        const excused = versions.get(versionId(after.space, entry));
        if (excused === undefined || excused.has(device) || after.isSuspect) continue;
        if (hasNotDropped(before)) continue;
        world.fail(
          `[RESET-10] ${device} offers ${entry.collection} ${entry.key} ${entry.stamp}, which was given up`,
        );
      }
    },
  };
};
