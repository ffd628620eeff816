import { addMicros, type Stamp } from "@synchro/core";
import type { Limits } from "@synchro/protocol";

const MICROS_PER_DAY = 86_400_000_000;

/** The first moment of which evidence is still shown at `now`. */
export const evidenceCutoff = (now: Stamp, limits: Limits): Stamp =>
  addMicros(now, -limits.evidenceDays * MICROS_PER_DAY);
