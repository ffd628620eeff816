import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { planPush } from "../push/plan-push.ts";
import type { ChangeResult, Evidence, PushChange } from "../push/push-change.ts";
import type { StoredRecord } from "../record.ts";
import type { JsonObject, JsonValue } from "../json.ts";
import { createPolicy } from "./create-policy.ts";
import type { FieldRules } from "./fields/create-fields-policy.ts";
import type { MergePolicyName } from "./merge-policy.ts";
import { parseFieldState } from "./fields/field-state.ts";
import { readVersion } from "../../testing/patch.ts";
import { assign, at, pushInput, spaceState, stored, write } from "../../testing/samples.ts";

type Version = {
  readonly updated_at: string;
  /** These two with the policy `fields` only. */
  readonly life?: number;
  readonly stamps?: { readonly [field: string]: string };
} & ({ readonly value: JsonObject } | { readonly deleted: true });
type Case = {
  readonly title: string;
  readonly policy: MergePolicyName;
  /** With the policy `fields`; absent: no functions, nothing required. */
  readonly rules?: FieldRules;
  readonly now: string;
  readonly cutoff: string | null;
  readonly head: number;
  readonly stored: (Version & { readonly seq: number }) | null;
  readonly change:
    | (Version & { readonly base: number | null })
    | { readonly updated_at: string; readonly assign: JsonObject };
  readonly result: JsonValue;
  readonly record: (Version & { readonly seq: number }) | null;
  readonly evidence: readonly (Version & { readonly reason: Evidence["reason"] })[];
};

const folder = join(import.meta.dirname, "../../../../fixtures/merge");

/** JSON.parse and its partner as they are since ES2026, which the compiler's library does not know yet. */
const json = JSON as unknown as {
  readonly rawJSON: (text: string) => unknown;
  readonly parse: (
    text: string,
    reviver: (name: string, value: unknown, context: { readonly source?: string }) => unknown,
  ) => unknown;
};

const writtenTexts = new WeakMap<object, string>();

/** Numbers and escapes of a value stay as the fixture writes them: `1e2` is not `100` here. */
const readCases = (file: string): readonly Case[] => {
  const text = readFileSync(join(folder, file), "utf8");
  const cases = JSON.parse(text) as readonly Case[];
  const asWritten = json.parse(text, (_, value, { source }) =>
    source === undefined ? value : json.rawJSON(source),
  ) as readonly Case[];
  for (const [index, { stored: before, change }] of cases.entries()) {
    for (const [version, written] of [
      [before, asWritten[index]?.stored],
      [change, asWritten[index]?.change],
    ] as const) {
      if (version == null || written == null || !("value" in version && "value" in written))
        continue;
      writtenTexts.set(version, JSON.stringify(written.value));
    }
  }
  return cases;
};

const textOf = (version: Version): string | null =>
  "value" in version ? (writtenTexts.get(version) ?? JSON.stringify(version.value)) : null;

/** The version as a store or a planner has it. */
const contentOf = (version: Version) =>
  version.life === undefined
    ? { stamp: at(version.updated_at), value: textOf(version), fieldState: null }
    : readVersion({ ...version, life: version.life });

const recordOf = (version: Version & { readonly seq: number }): StoredRecord =>
  stored({ seq: version.seq, ...contentOf(version) });

const changeOf = ({ change }: Case): PushChange => {
  return "assign" in change
    ? assign(change.assign, { stamp: at(change.updated_at) })
    : write({ base: change.base, ...contentOf(change) });
};

/** A result in the form of the fixtures: of a rejection all but the message. */
const resultOf = (result: ChangeResult | undefined): JsonValue => {
  if (result === undefined) return null;
  if (result.kind === "applied") return { seq: result.seq };
  if (result.kind === "superseded") return { superseded: result.seq };
  if (result.kind === "merged") return { merged: result.seq };
  const { code, path, stored: stamp } = result.rejection;
  return { rejected: stamp === undefined ? { code, path } : { code, path, stored: stamp } };
};

/** A version with its stamps as instants and its value as data, so that two forms of one are equal. */
const plain = (stamp: string, value: string | null, fieldState?: string | null) => [
  at(stamp),
  value === null ? null : (JSON.parse(value) as unknown),
  ...(fieldState == null ? [] : [parseFieldState(fieldState)]),
];

/** Stamps within an expected result are compared as instants too. */
const withInstants = (result: JsonValue): JsonValue =>
  JSON.parse(JSON.stringify(result), (name, value: unknown) =>
    name === "stored" && typeof value === "string" ? at(value) : value,
  ) as JsonValue;

const noRules: FieldRules = { functions: {}, required: [] };

/** A limit that two long values of a fixture pass, and no other. */
const BYTES_MAX = 2_000;

const policyOf = ({ policy, rules = noRules }: Case) =>
  createPolicy(policy === "last-write" ? policy : rules, BYTES_MAX);

const files = globSync("*.json", { cwd: folder }).toSorted();

test("all the fixtures are found", () => {
  expect(files).toEqual([
    "clocks.json",
    "deletes.json",
    "equality.json",
    "fields.json",
    "last-write.json",
    "purge.json",
    "v1.json",
  ]);
});

describe.each(files)("fixtures/merge/%s", (file) => {
  test.each(readCases(file))("$title", (expected) => {
    const before = expected.stored === null ? null : recordOf(expected.stored);
    const change = changeOf(expected);
    const cutoff = expected.cutoff === null ? null : at(expected.cutoff);
    const plan = planPush(
      pushInput({
        records: before === null ? [] : [before],
        state: spaceState({ head: expected.head, cutoff }),
        changes: [change],
        now: at(expected.now),
        policyOf: () => policyOf(expected),
        checksClocks: change.kind === "write",
      }),
    );
    const result = resultOf(plan.results[0]);
    expect(result).toEqual(withInstants(expected.result));

    const after = plan.writes[0]?.after ?? before;
    const told = ({ seq, stamp, value, fieldState }: StoredRecord) => [
      seq,
      ...plain(stamp, value, fieldState),
    ];
    expect(after === null ? null : told(after)).toEqual(
      expected.record === null ? null : told(recordOf(expected.record)),
    );
    expect(
      plan.evidence.map(({ reason, stamp, value }) => [reason, ...plain(stamp, value)]),
    ).toEqual(
      expected.evidence.map((each) => [each.reason, ...plain(each.updated_at, textOf(each))]),
    );
    // The record that beat the change, or merged it, goes with the answer.
    const kind = plan.results[0]?.kind;
    expect(plan.lostTo).toEqual(kind === "superseded" || kind === "merged" ? [after] : []);
  });
});
