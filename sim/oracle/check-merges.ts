import { isSameValue, recordId, type StoredRecord } from "@synchro/core";
import type { PushOutcome, StorePush } from "../../packages/server/src/store/store.ts";
import { PARTS } from "../client/parts.ts";
import type { World } from "../world/world.ts";
import { invalidity, isSameContent, readContent, standsIn } from "./fields-model.ts";
import type { ModelRecord, SpaceModel } from "./space-model.ts";

/** FIELDS-20: who is told that a patch was taken whole may lay it over what he holds. FIELDS-18: and no merge is invalid. */
export const checkMerges = (
  world: World,
  model: SpaceModel,
  bases: readonly (number | null)[],
  { changes, space }: StorePush,
  outcome: Extract<PushOutcome, { kind: "committed" }>,
): void => {
  for (const [index, result] of outcome.results.entries()) {
    const change = changes[index];
    if (change?.kind !== "write" || change.collection !== PARTS) continue;
    if (result.kind === "rejected" || result.seq === 0) continue;
    const record = model.records.get(recordId(change.collection, change.key));
    if (record === undefined || record.content === null) continue;
    const name = `${space} ${record.key} ${record.seq}`;
    const invalid = invalidity(record.content);
    if (invalid !== null) world.fail(`[FIELDS-18] ${name}: ${invalid}`);
    world.counters.count(`fields_${result.kind}`);
    if (result.kind !== "applied") continue;
    const sent = readContent(change.value, change.fieldState, change.stamp);
    if (change.base !== bases[index] || !standsIn(sent, record.content)) {
      world.fail(`[FIELDS-20] ${name} is told to be whole: base ${change.base} on ${bases[index]}`);
    }
  }
};

/** How a stored record differs from the model's; null: it does not. */
export const compareRecord = (
  stored: StoredRecord | undefined,
  model: ModelRecord | undefined,
): string | null => {
  if (stored === undefined || model === undefined) {
    return `store has ${JSON.stringify(stored)}, model has ${JSON.stringify(model)}`;
  }
  const { content } = model;
  const isSame =
    stored.seq === model.seq &&
    stored.stamp === model.stamp &&
    isSameValue(stored.value, model.value) &&
    (content === null ||
      isSameContent(content, readContent(stored.value, stored.fieldState, stored.stamp)));
  return isSame ? null : `store has ${JSON.stringify(stored)}, model has ${JSON.stringify(model)}`;
};
