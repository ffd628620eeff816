import { isCollectionName, type JsonObject, recordId, type Runtime } from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import type { CollectionRegistry } from "../collections/collection-registry.ts";
import { readChange } from "../service/read-change.ts";
import type { InputRow, RowFault } from "./input-row.ts";
import type { OutgoingChange } from "./outgoing-change.ts";

export type JudgedRow =
  | { readonly kind: "change"; readonly outgoing: OutgoingChange }
  | {
      readonly kind: "fault";
      readonly line: number;
      readonly key: string | null;
      readonly fault: RowFault;
    };

export type JudgeRow = (row: InputRow) => JudgedRow;

/**
 * A row of a collection with the policy `fields` that says nothing of lives, as of a file that was not
 * written for it, is of the first one.
 */
const inFirstLife = (registry: CollectionRegistry, change: JsonObject): JsonObject => {
  const { collection: name } = change;
  const collection = typeof name === "string" ? registry.get(name) : undefined;
  if (collection === undefined || collection.merge === "last-write") return change;
  return { life: change["deleted"] === true ? 2 : 1, ...change };
};

/**
 * Judges a row by the rules that a server has for a change, before anything is sent: what is refused
 * here costs no request, and takes no room among the rejections that the server keeps.
 *
 * `sendsUndeclared`: a collection that is not declared here may be on the server, which then judges.
 */
export const createJudgeRow = (deps: {
  readonly registry: CollectionRegistry;
  readonly limits: Limits;
  readonly sha256: Runtime["sha256"];
  readonly sendsUndeclared: boolean;
}): JudgeRow => {
  const { sendsUndeclared } = deps;
  const reading = { ...deps, collections: null, subject: null };
  return (row) => {
    if (row.kind === "fault") return { ...row, key: null };
    const { line, violation } = row;
    const change = inFirstLife(deps.registry, row.change);
    const { collection, key } = change;
    const read = readChange(reading, change, violation);
    if (read.kind === "write") {
      const id = recordId(read.collection, read.key);
      const outgoing = { line, id, key: read.key, text: JSON.stringify(change), write: read };
      return { kind: "change", outgoing };
    }
    if (read.kind !== "refused") throw new Error(`a change was read as ${read.kind}`);
    const { code, message, path } = read.rejection;
    const isNamed = typeof collection === "string" && isCollectionName(collection);
    if (code === "unknown_collection" && sendsUndeclared && isNamed && typeof key === "string") {
      const id = recordId(collection, key);
      return {
        kind: "change",
        outgoing: { line, id, key, text: JSON.stringify(change), write: null },
      };
    }
    const named = typeof key === "string" ? key : null;
    return { kind: "fault", line, key: named, fault: { code, message, path } };
  };
};
