import type { SpaceId } from "@synchro/core";
import type { Store } from "../store/store.ts";
import type { ControlStore, SpaceEntry } from "./control-store.ts";

type Sources = {
  readonly control: Pick<ControlStore, "listSpaces">;
  readonly store: Pick<Store, "listSpaces" | "describeSpace">;
};

/** Every space that exists, by its entry or by its records alone, without the deleted ones. */
export type KnownSpaces = {
  readonly entries: ReadonlyMap<SpaceId, SpaceEntry>;
  readonly ids: ReadonlySet<SpaceId>;
};

export const readEntries = async (
  control: Sources["control"],
): Promise<ReadonlyMap<SpaceId, SpaceEntry>> =>
  new Map((await control.listSpaces()).map((entry) => [entry.id, entry]));

/** Reads what both stores know. Spec: SPACE-1, SPACE-3. */
export const readKnownSpaces = async ({ control, store }: Sources): Promise<KnownSpaces> => {
  const entries = await readEntries(control);
  const ids = new Set([...entries.keys(), ...(await store.listSpaces())]);
  for (const { id, deletedAt } of entries.values()) if (deletedAt !== null) ids.delete(id);
  return { entries, ids };
};

/** Whether a space exists and is not deleted. */
export const isKnownSpace = async (sources: Sources, id: SpaceId): Promise<boolean> => {
  const entry = (await readEntries(sources.control)).get(id);
  if (entry !== undefined) return entry.deletedAt === null;
  return (await sources.store.describeSpace(id)) !== null;
};
