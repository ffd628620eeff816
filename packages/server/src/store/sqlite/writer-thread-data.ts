import type { CollectionName, Epoch } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import type { StoredCollection } from "../store.ts";
import type { PackedRequest, PackedResult } from "./packed-push.ts";

/** What the writer's thread is started with. */
export type WriterThreadData = {
  readonly path: string;
  readonly bytesMax: number | null;
  readonly epoch: Epoch;
  readonly collections: ReadonlyMap<CollectionName, StoredCollection>;
  readonly limits: Limits;
};

export type ToWriterThread =
  | { readonly kind: "commit"; readonly group: readonly PackedRequest[] }
  | { readonly kind: "close" };

export type FromWriterThread =
  | { readonly kind: "ready" }
  | { readonly kind: "committed"; readonly results: readonly PackedResult[] }
  /** Nothing more will come: what became of the last group is unknown. */
  | { readonly kind: "beyond_use"; readonly error: unknown };
