import {
  type Epoch,
  epochInLife,
  lifeOfSpace,
  listEpoch,
  newSpaceState,
  type SpaceId,
} from "@synchro/core";
import { checkDatabase, migrateDatabase } from "./prepare-database.ts";
import { connectWriter, setWriterPragmas } from "./open-database.ts";
import {
  bareSpace,
  createSpaceLister,
  createSpaceLoader,
  createSpaceSaver,
} from "./space-table.ts";
import { toOpenError } from "./store-open-error.ts";
import { inTransaction } from "./transaction.ts";

/** By space its present life. */
export type Lives = ReadonlyMap<SpaceId, number>;

/**
 * The lives of data that are about to be replaced. Their log is brought into the file, so that the
 * file alone is all of them.
 *
 * @throws StoreOpenError, or whatever SQLite says of a file that is damaged.
 */
export const settleData = (path: string): Lives => {
  const database = connectWriter(path);
  try {
    checkDatabase(database, path);
    setWriterPragmas(database, null);
    if (database.prepare("PRAGMA user_version").get()?.["user_version"] === 0) return new Map();
    const load = createSpaceLoader(database);
    return new Map(
      createSpaceLister(database)().map((space) => [
        space,
        lifeOfSpace(load(space)?.state.epochs ?? []),
      ]),
    );
  } catch (error) {
    throw toOpenError(error, path);
  } finally {
    // The last connection to go takes the log with it.
    database.close();
  }
};

/**
 * Makes data ready to take the place of others: brings them to this program's version, and lists
 * `drawn` in every space, in the greater of its own life and the life that the others had reached,
 * and in one more if the others are given up for good (`isFinal`). A space that the others alone
 * have is made, empty, where its life must be remembered: an absent one would ask everybody to offer.
 * Spec: EPOCH-5, EPOCH-7.
 *
 * @throws StoreOpenError in one line.
 */
export const beginLives = (
  path: string,
  of: { readonly drawn: Epoch; readonly replaced: Lives; readonly isFinal: boolean },
): void => {
  const { drawn, replaced, isFinal } = of;
  const database = connectWriter(path);
  try {
    checkDatabase(database, path);
    setWriterPragmas(database, null);
    migrateDatabase(database);
    const load = createSpaceLoader(database);
    const saver = createSpaceSaver(database);
    inTransaction(database, () => {
      const names = createSpaceLister(database)();
      for (const name of names) {
        const space = load(name);
        if (space === null) continue;
        const { state } = space;
        const reached = Math.max(lifeOfSpace(state.epochs), replaced.get(name) ?? 0);
        const life = reached + Number(isFinal);
        const epochs = listEpoch(state.epochs, drawn, state.head, life);
        saver.save(space, { ...space, state: { ...state, epochs } });
      }
      const known = new Set(names);
      for (const [name, reached] of replaced) {
        const life = reached + Number(isFinal);
        if (known.has(name) || life === 0) continue;
        const bare = bareSpace(saver.insert(name));
        saver.save(bare, { ...bare, state: newSpaceState(epochInLife(drawn, life)) });
      }
    });
  } catch (error) {
    throw toOpenError(error, path);
  } finally {
    database.close();
  }
};
