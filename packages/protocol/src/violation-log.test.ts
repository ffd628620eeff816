import { describe, expect, test } from "vitest";
import { scanJson, type JsonScanLimits, type JsonViolation } from "./json-scan.ts";
import { VIOLATION_PATH_LENGTH_MAX } from "./violation-log.ts";

/** Groups of one pointer token, and room for everything. */
const roomy: JsonScanLimits = {
  tokensMax: 10_000_000,
  depthMax: 10_000_000,
  violationsMax: 10_000,
  groupDepth: 1,
  nestedDepthMax: 10_000_000,
};

/** As for a request: a group is a change, whose value nests to 32 levels. */
const request: JsonScanLimits = { ...roomy, groupDepth: 2, nestedDepthMax: 32 };

/** Ample for one look at each character, far too short for a look at each pair. */
const LINEAR = { timeout: 5_000 };

const violations = (
  text: string,
  limits: Partial<JsonScanLimits> = {},
): readonly JsonViolation[] => {
  const scan = scanJson(text, { ...roomy, ...limits });
  if (scan.kind !== "scanned") throw new Error(`too large: ${scan.limit}`);
  return scan.violations;
};

/** The same as `rule path`; the text must be JSON. */
const found = (text: string, limits: Partial<JsonScanLimits> = {}): readonly string[] => {
  JSON.parse(text);
  return violations(text, limits).map(({ rule, path }) => `${rule} ${path}`);
};

describe("paths and groups", () => {
  test("a path is an RFC 6901 pointer", () => {
    const text = '{"a~b/c~1":[0,{"":{"\\"\\u0065":1e400}}]}';
    expect(found(text)).toEqual(['number_precision /a~0b~1c~01/1//"e']);
  });

  test("a path is fit to store: no half pair, no U+0000", () => {
    const [violation] = violations('{"\\ud800a\\u0000😀":1e400}');
    expect(violation).toEqual({ rule: "lone_surrogate", path: "/\uFFFDa\uFFFD😀" });
  });

  test("on one member: what the string holds, then its name, then the repetition", () => {
    expect(found('{"__proto__":1,"__proto__":1}', { groupDepth: 3 })).toEqual([
      "forbidden_member /__proto__",
    ]);
    expect(found('{"x":1,"a":{"\\u0000":1,"\\u0000":1e400}}')).toEqual(["nul_character /a/\uFFFD"]);
  });

  test("one violation a group, the first, and no group hides another", () => {
    const bad = '{"key":"\\u0000","value":{"a":1e400,"a":1,"__proto__":"\\ud800"}}';
    const good = '{"key":"k","value":{"a":1}}';
    expect(
      found(`{"changes":[${bad},${good},${bad},{"a":[1e400]},${good},1e400]}`, request),
    ).toEqual([
      "nul_character /changes/0/key",
      "nul_character /changes/2/key",
      "number_precision /changes/3/a/0",
      "number_precision /changes/5",
    ]);
  });

  test("a place above the groups is a group of its own, and hides none below it", () => {
    expect(
      found('{"client_id":"\\u0000","changes":[1e400],"changes":[2,1e400],"a":1e400}', request),
    ).toEqual([
      "nul_character /client_id",
      "number_precision /changes/0",
      "duplicate_member /changes",
      "number_precision /changes/1",
      "number_precision /a",
    ]);
  });

  test("a group that comes back under a repeated name is the same group", () => {
    expect(found('{"a":[1e400,1],"a":[1e400,1e400],"\\u0061":[1,1e400]}', request)).toEqual([
      "number_precision /a/0",
      "duplicate_member /a",
      "number_precision /a/1",
    ]);
    expect(found('{"a":{"b":1e400,"b":1e400,"c":1e400}}', request)).toEqual([
      "number_precision /a/b",
      "number_precision /a/c",
    ]);
  });

  test("groups of the same last token under different names are different", () => {
    expect(found('{"a":[1e400],"b":[1e400],"c":{"0":1e400}}', request)).toEqual([
      "number_precision /a/0",
      "number_precision /b/0",
      "number_precision /c/0",
    ]);
  });

  test("groups of no token are one: the first violation of all", () => {
    expect(found("[1,[1e400],1e400]", { groupDepth: 0 })).toEqual(["number_precision /1/0"]);
  });

  test("5,000 bad changes of 5,000 are each reported, up to violationsMax", () => {
    const text = `{"changes":[${Array.from({ length: 5_000 }, () => '{"v":[1e400,1e400]}').join()}]}`;
    const paths = violations(text, request).map(({ path }) => path);
    expect(paths).toEqual(Array.from({ length: 5_000 }, (_, index) => `/changes/${index}/v/0`));
    expect(violations(text, { ...request, violationsMax: 3 })).toHaveLength(3);
    expect(violations(text, { ...request, violationsMax: 0 })).toEqual([]);
  });

  test("full is not the end: the size is still judged", () => {
    const limits = { ...roomy, violationsMax: 1, tokensMax: 4 };
    expect(scanJson("[1e400,1e400,1e400,1]", limits)).toEqual({
      kind: "too_large",
      limit: "tokens",
    });
  });

  test("a path ends above a name that would make it too long", () => {
    const fitting = "n".repeat(VIOLATION_PATH_LENGTH_MAX - 3);
    expect(found(`{"a":{"${fitting}":1e400}}`)).toEqual([`number_precision /a/${fitting}`]);
    expect(found(`{"a":{"${fitting}n":1e400}}`)).toEqual(["number_precision /a"]);
    expect(found(`{"a":{"${fitting}n":[{"b":1e400}]}}`)).toEqual(["number_precision /a"]);
    expect(found(`{"a":{"${"\\u006e".repeat(fitting.length)}":1e400}}`)).toEqual([
      `number_precision /a/${fitting}`,
    ]);
    expect(found(`{"a":{"${"/".repeat(600)}":1e400}}`)).toEqual(["number_precision /a"]);
    expect(found(`{"${"n".repeat(10_000)}":1e400}`)).toEqual(["number_precision "]);
  });

  test("a long name with thousands of bad groups below is not read again for each", LINEAR, () => {
    for (const unit of ["n", "\\u006e"]) {
      const text = `{"${unit.repeat(500_000)}":[${"1e400,".repeat(9_000)}1]}`;
      expect(violations(text, request)).toHaveLength(9_000);
      expect(violations(`{"a":{"b":${text}}}`, request)).toHaveLength(1);
    }
  });
});
