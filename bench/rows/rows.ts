import type { Row } from "../report/row-report.ts";
import { clientFirstSync } from "./client-first-sync.ts";
import { firstSync } from "./first-sync.ts";
import { health } from "./health.ts";
import { liveFanOut } from "./live-fan-out.ts";
import { liveMemory } from "./live-memory.ts";
import { liveQuery } from "./live-query.ts";
import { memory } from "./memory.ts";
import { oneChange } from "./one-change.ts";
import { poll } from "./poll.ts";
import { pushBatches, pushBatchesInNoOrder } from "./push-batches.ts";
import { pushSingles } from "./push-singles.ts";

/** Every row by the name that a command line gives it. */
export const rows = {
  "push-batches": pushBatches,
  "push-batches-in-no-order": pushBatchesInNoOrder,
  "push-singles": pushSingles,
  "first-sync": firstSync,
  memory,
  poll,
  "one-change": oneChange,
  health,
  "client-first-sync": clientFirstSync,
  "live-query": liveQuery,
  "live-fan-out": liveFanOut,
  "live-memory": liveMemory,
} as const satisfies Readonly<Record<string, Row>>;
