import type { SpaceId } from "@synchro/core";
import type { LoadedSpace, SpaceSaver } from "./space-table.ts";

/**
 * The spaces that a group of writes has touched: each is read once and written once, however many
 * requests of the group it has. A request that fails puts nothing, so nothing of it is saved.
 */
export class GroupSpaces {
  readonly #load: (space: SpaceId) => LoadedSpace | null;
  readonly #saver: SpaceSaver;
  readonly #spaces = new Map<SpaceId, { readonly before: LoadedSpace; after: LoadedSpace }>();

  constructor(load: (space: SpaceId) => LoadedSpace | null, saver: SpaceSaver) {
    this.#load = load;
    this.#saver = saver;
  }

  /** A space as the last request of the group left it; null if it does not exist. */
  find(space: SpaceId): LoadedSpace | null {
    const known = this.#spaces.get(space);
    if (known !== undefined) return known.after;
    const loaded = this.#load(space);
    if (loaded !== null) this.#spaces.set(space, { before: loaded, after: loaded });
    return loaded;
  }

  /** Notes what a request has made of a space. `before`: what it was found as, or inserted as. */
  put(space: SpaceId, before: LoadedSpace, after: LoadedSpace): void {
    const known = this.#spaces.get(space);
    if (known === undefined) this.#spaces.set(space, { before, after });
    else known.after = after;
  }

  save(): void {
    for (const { before, after } of this.#spaces.values()) this.#saver.save(before, after);
  }
}
