import type { Evidence, Rejection, RejectionCode, Reset, StoredRecord } from "@synchro/core";
import { expectTypeOf, test } from "vitest";
import type { SyncRequest } from "./sync-request.ts";
import type { WireRejection } from "./change-result.ts";
import type { Change } from "./change.ts";
import type { WireEvidenceList } from "./evidence-list.ts";
import type { WireRecord } from "./record.ts";
import type { WireSyncAnswer } from "./sync-answer.ts";

type Live = Extract<WireRecord, { readonly value: unknown }>;
type Deleted = Extract<WireRecord, { readonly deleted: true }>;

/** The wire's name of each field of core's record: a new field of either is a compile error here. */
type WireNames = {
  collection: "collection";
  key: "key";
  seq: "seq";
  stamp: "updated_at";
  value: "value" | "deleted";
  fieldState: "life" | "stamps";
  author: "author" | "author_unverified";
};

test("core's stored record and the record of the wire agree, field by field", () => {
  expectTypeOf<keyof WireNames>().toEqualTypeOf<keyof StoredRecord>();
  expectTypeOf<keyof Live | keyof Deleted>().toEqualTypeOf<WireNames[keyof WireNames]>();
  for (const name of ["collection", "key", "seq"] as const) {
    expectTypeOf<StoredRecord[typeof name]>().toExtend<WireRecord[typeof name]>();
  }
  expectTypeOf<StoredRecord["stamp"]>().toExtend<WireRecord["updated_at"]>();
});

test("a version is live or deleted, never both", () => {
  expectTypeOf<keyof Live>().exclude<"deleted">().toEqualTypeOf<keyof Live>();
  expectTypeOf<keyof Deleted>().exclude<"value">().toEqualTypeOf<keyof Deleted>();
});

test("core's rejection is the wire's, and so are its words for a reset and for evidence", () => {
  expectTypeOf<Rejection>().toExtend<WireRejection>();
  expectTypeOf<WireRejection["code"]>().toEqualTypeOf<RejectionCode>();
  expectTypeOf<keyof WireRejection>().toEqualTypeOf<keyof Rejection>();
  expectTypeOf<NonNullable<WireSyncAnswer["reset"]>>().toEqualTypeOf<Reset>();
  expectTypeOf<WireEvidenceList["evidence"][number]["reason"]>().toEqualTypeOf<
    Evidence["reason"]
  >();
});

test("a request may lack everything, and its changes are judged later", () => {
  expectTypeOf<SyncRequest>().toEqualTypeOf<Partial<SyncRequest>>();
  expectTypeOf<NonNullable<SyncRequest["changes"]>>().toEqualTypeOf<readonly unknown[]>();
  expectTypeOf<Change["key"]>().toEqualTypeOf<string>();
});
