import type { JsonObject, JsonValue } from "@synchro/core";
import { collection } from "../../packages/client/src/collection/collection.ts";
import { t } from "../../packages/client/src/collection/t.ts";
import type { Random } from "../world/random.ts";

export const PARTS = "parts";

/** The collection that merges field by field, declared once for client and server. */
export const parts = collection(PARTS, {
  merge: "fields",
  fields: {
    shelf: t.string(),
    note: t.string().optional(),
    color: t.string().optional(),
    low: t.integer().optional(),
    high: t.integer().optional(),
    tags: t.array(t.string()).optional(),
  },
  functions: { low: "min", high: "max", tags: "union" },
});

const TAGS = ["a", "b", "c", "d"];

const changes: readonly ((random: Random, who: string) => readonly [string, JsonValue | null])[] = [
  (random, who) => ["shelf", `${who} ${random.below(1_000)}`],
  (random, who) => ["note", `${who} ${random.below(1_000)}`],
  () => ["note", null],
  (random) => ["color", random.pick(["red", "green"])],
  () => ["color", null],
  (random) => ["low", random.between(-50, 50)],
  (random) => ["high", random.between(-50, 50)],
  (random) => ["tags", [random.pick(TAGS), random.pick(TAGS)]],
];

/** What somebody does to a part that they see: some fields set, some removed; one that is not there is made whole. */
export const changePart = (
  random: Random,
  who: string,
): ((shown: JsonObject | null) => JsonObject) => {
  const wished = Array.from({ length: random.between(1, 3) }, () =>
    random.pick(changes)(random, who),
  );
  const shelf = `${who} makes ${random.below(1_000)}`;
  return (shown) => {
    const members = new Map<string, JsonValue>(Object.entries(shown ?? { shelf }));
    for (const [name, value] of wished) {
      if (value === null) members.delete(name);
      else members.set(name, value);
    }
    return Object.fromEntries(members);
  };
};
