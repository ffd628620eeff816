import type { Random } from "../world/random.ts";

export const DAY_MS = 86_400_000;

/** How far a device's clock is off, in milliseconds: up to ten years. */
export const wrongClock = (random: Random): number =>
  random.pick([
    0,
    random.between(-1_000, 1_000),
    random.between(-600_000, 600_000),
    random.between(-DAY_MS, DAY_MS),
    random.between(-3_650, 3_650) * DAY_MS,
  ]);
