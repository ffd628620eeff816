import type { askBrowser } from "../../packages/client/src/client/browser-storage.ts";
import type { Durability } from "../../packages/client/src/store/client-store.ts";
import type { PlantedBug } from "./planted-bug.ts";

const durableBy =
  (alter: (asked: Durability | undefined) => Durability) =>
  (): ReturnType<PlantedBug["plant"]> => ({
    client: {
      store: (real) => ({
        ...real,
        transact: (body, durability) => real.transact(body, alter(durability)),
      }),
    },
  });

const editsNotDurable: PlantedBug = {
  name: "edits-lost-with-the-power",
  rule: "CLIENT-5",
  does: "keeps edits and frozen stamps in transactions that a power cut may take",
  plant: durableBy((asked) => asked ?? "relaxed"),
};

const resultsNotDurable: PlantedBug = {
  name: "results-lost-with-the-power",
  rule: "CLIENT-3",
  does: "settles what was sent in transactions that a power cut may take",
  plant: durableBy((asked) => (asked === undefined ? "strict" : "relaxed")),
};

/** Puts the new mark down before it looks for the old one. */
const markBeforeLooking: typeof askBrowser = async (store, name, { marks }) => {
  const { clientId } = await store.read((reader) => reader.getMeta(["clientId"]));
  marks?.setItem(name, clientId);
  return { storage: "best-effort", wasEvicted: marks?.getItem(name) !== clientId };
};

const evictionNotNoticed: PlantedBug = {
  name: "eviction-not-noticed",
  rule: "CLIENT-5",
  does: "does not tell that its data went away",
  plant: () => ({ client: { asksBrowser: markBeforeLooking } }),
};

/** Of the client that keeps what it has. */
export const keepingBugs: readonly PlantedBug[] = [
  editsNotDurable,
  resultsNotDurable,
  evictionNotNoticed,
];
