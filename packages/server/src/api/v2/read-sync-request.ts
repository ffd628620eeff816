import {
  collectionSet,
  type CollectionSet,
  isCollectionName,
  isJsonObject,
  type PushChange,
  type Runtime,
} from "@synchro/core";
import type {
  Checker,
  FieldError,
  JsonViolation,
  Limits,
  ProblemCode,
  SyncRequest,
} from "@synchro/protocol";
import type { CollectionRegistry } from "../../collections/collection-registry.ts";
import type { ParsedBody } from "../../http/parsed-body.ts";
import { readChange } from "../../service/read-change.ts";
import { violationMessage } from "../../service/violation-message.ts";

export type RequestRefusal = {
  readonly kind: "refused";
  readonly code: ProblemCode;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
};

export type SyncReading =
  | {
      readonly kind: "ok";
      readonly request: SyncRequest;
      readonly collections: CollectionSet;
      /** Reads the changes once it is known who sent them. */
      readonly changes: (subject: string | null) => readonly PushChange[];
    }
  | RequestRefusal;

/** The set that a request names; absent is all. A name that is not declared refuses the request. */
export const readCollections = (
  registry: CollectionRegistry,
  names: readonly string[] | undefined,
): { readonly kind: "ok"; readonly set: CollectionSet } | RequestRefusal => {
  if (names === undefined) return { kind: "ok", set: null };
  const declared = names.map((name) => registry.get(name)?.name);
  const unknown = declared.indexOf(undefined);
  if (unknown === -1) {
    return { kind: "ok", set: collectionSet(declared.filter((name) => name !== undefined)) };
  }
  const message = `collections names ${names[unknown]}, which is not declared here`;
  const errors = [{ path: `/collections/${unknown}`, message }];
  return { kind: "refused", code: "undeclared_collection", detail: message, errors };
};

const changePath = /^\/changes\/(\d+)(?=\/|$)/;

/** Of each change there is at most one. */
const violationsByChange = (
  violations: readonly JsonViolation[],
): {
  readonly byChange: ReadonlyMap<number, JsonViolation>;
  readonly others: readonly JsonViolation[];
} => {
  const byChange = new Map<number, JsonViolation>();
  const others: JsonViolation[] = [];
  for (const violation of violations) {
    const index = changePath.exec(violation.path)?.[1];
    if (index === undefined) others.push(violation);
    else byChange.set(Number(index), violation);
  }
  return { byChange, others };
};

const duplicateKey = (changes: readonly unknown[]): RequestRefusal | null => {
  // By collection and then by key: no text is put together for each change.
  const indexesByKey = new Map<string, Map<string, number>>();
  for (const [index, change] of changes.entries()) {
    if (!isJsonObject(change)) continue;
    const { collection, key } = change;
    if (typeof collection !== "string" || typeof key !== "string") continue;
    let indexByKey = indexesByKey.get(collection);
    if (indexByKey === undefined) {
      if (!isCollectionName(collection)) continue;
      indexByKey = new Map();
      indexesByKey.set(collection, indexByKey);
    }
    const first = indexByKey.get(key);
    if (first !== undefined) {
      const message = `changes ${first} and ${index} are of the same record: a key stands at most once in a request`;
      const errors = [{ path: `/changes/${index}/key`, message }];
      return { kind: "refused", code: "duplicate_key", detail: message, errors };
    }
    indexByKey.set(key, index);
  }
  return null;
};

const bad = (errors: readonly FieldError[]): RequestRefusal => ({
  kind: "refused",
  code: "bad_request",
  detail: errors[0]?.message ?? "the request is malformed",
  errors,
});

export type SyncReadingDeps = {
  readonly check: Checker<SyncRequest>;
  readonly registry: CollectionRegistry;
  readonly limits: Limits;
  readonly sha256: Runtime["sha256"];
};

/**
 * Reads the body of a sync. What is wrong with the request as a whole refuses it; what is wrong
 * with one change is found by `readChange` and refuses that change alone. Spec: PUSH-*, DATA-*.
 */
export const readSyncRequest = (deps: SyncReadingDeps, body: ParsedBody): SyncReading => {
  const { registry, limits, sha256 } = deps;
  const { byChange, others } = violationsByChange(body.violations);
  if (others.length > 0) {
    return bad(
      others
        .slice(0, 8)
        .map(({ path, rule }) => ({ path, message: violationMessage(rule, limits) })),
    );
  }
  const checked = deps.check(body.json);
  if (checked.kind === "bad") return bad(checked.errors);
  const request = checked.message;
  const changes: readonly unknown[] = request.changes ?? [];
  if (changes.length > limits.changesMax) {
    const detail = `changes holds ${changes.length}, at most ${limits.changesMax} are taken: send them in parts`;
    return { kind: "refused", code: "too_many_changes", detail };
  }
  const collections = readCollections(registry, request.collections);
  if (collections.kind === "refused") return collections;
  const duplicate = duplicateKey(changes);
  if (duplicate !== null) return duplicate;
  const { set } = collections;
  return {
    kind: "ok",
    request,
    collections: set,
    changes: (subject) => {
      const reading = { registry, limits, collections: set, subject, sha256 };
      return changes.map((change, index) => readChange(reading, change, byChange.get(index)));
    },
  };
};
