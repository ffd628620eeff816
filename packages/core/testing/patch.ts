import type { JsonObject } from "../src/json.ts";
import { formatFieldState } from "../src/merge/fields/field-state.ts";
import type { VersionContent } from "../src/merge/merge-policy.ts";
import { laterStamp, parseStamp, type Stamp } from "../src/stamp.ts";
import { at } from "./samples.ts";

/** A version, or a change, of the policy `fields` as the wire has it. */
export type WireVersion = {
  readonly updated_at: string;
  readonly life: number;
  /** Of a change: those that differ from `updated_at`. */
  readonly stamps?: { readonly [field: string]: string };
} & ({ readonly value: JsonObject } | { readonly deleted: true });

/** Reads it as a server does: each field with a stamp, and the greatest of all. */
export const readVersion = (version: WireVersion): VersionContent => {
  const own = at(version.updated_at);
  const value = "value" in version ? version.value : null;
  const listed = Object.entries(version.stamps ?? {}).map(([field, text]): [string, Stamp] => [
    field,
    parseStamp(text) ?? own,
  ]);
  const names = Object.keys(value ?? {}).map((name): [string, Stamp] => [name, own]);
  const stamps = new Map([...names, ...listed]);
  return {
    stamp: [...stamps.values()].reduce(laterStamp, own),
    value: value === null ? null : JSON.stringify(value),
    fieldState: formatFieldState({ life: version.life, stamps }),
  };
};
