import {
  createChecker,
  createReadPullQuery,
  createSyncRequestSchema,
  defaultLimits,
  type Limits,
} from "@synchro/protocol";
import { createCollectionRegistry } from "../../packages/server/src/collections/collection-registry.ts";
import { toServerCollection } from "../../packages/client/src/collection/collection.ts";
import { parts, PARTS } from "../client/parts.ts";
import type { Metrics } from "../../packages/server/src/metrics.ts";

/** Small, so that a short run meets each of them. */
export const limits: Limits = {
  ...defaultLimits,
  bodyBytesMax: 16_384,
  bodyTokensMax: 2_000,
  changesMax: 10,
  valueBytesMax: 1_000,
  pageRecordsDefault: 8,
  pageBytesMax: 2_000,
  lostBytesMax: 400,
  streamPageBytesMax: 800,
  ndjsonRecordsMax: 20,
};

/** A collection that a server declares at some starts and not at others. */
export const LATE_COLLECTION = "late";

/** What a server serves, by whether it declares the late collection. Compiled once: schemas are dear. */
export const registries = {
  early: createCollectionRegistry({
    readings: { history: true },
    [PARTS]: { ...toServerCollection(parts), history: true },
  }),
  all: createCollectionRegistry({
    readings: { history: true },
    [PARTS]: { ...toServerCollection(parts), history: true },
    [LATE_COLLECTION]: { schema: { type: "object" }, history: true },
  }),
} as const;

export const checkSyncRequest = createChecker(createSyncRequestSchema(limits));
export const readPullQuery = createReadPullQuery(limits);

/** Nobody reads the figures of a simulated server. */
export const noMetrics: Metrics = {
  countPush: () => {},
  countResult: () => {},
  countRecordsSent: () => {},
  openStream: () => () => {},
  observeRequest: () => {},
};
