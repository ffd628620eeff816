import { recordId, type SpaceId, type StoredRecord } from "@synchro/core";
import type { World } from "../world/world.ts";
import type { SpaceModel } from "./space-model.ts";

/** How long a commit may take to reach someone who waits for it. */
const LATE_MS = 5_000;

/** Records leave for someone who was ready to take them: none of them has slept (LIVE-3). */
export const checkSent = (
  world: World,
  model: SpaceModel | undefined,
  {
    space,
    records,
    readySinceMs,
  }: {
    readonly space: SpaceId;
    readonly records: readonly StoredRecord[];
    readonly readySinceMs: number;
  },
): void => {
  const nowMs = world.scheduler.nowMs();
  for (const { collection, key, seq } of records) {
    const known = model?.records.get(recordId(collection, key));
    if (known?.seq !== seq) continue;
    const lateMs = nowMs - Math.max(known.committedMs, readySinceMs);
    if (lateMs > LATE_MS) world.fail(`[LIVE-3] ${space} ${key} ${seq} slept for ${lateMs} ms`);
    else if (known.committedMs > readySinceMs) world.counters.count("woken");
  }
};
