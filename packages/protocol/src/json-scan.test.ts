import { describe, expect, test } from "vitest";
import { scanJson, type JsonScan, type JsonScanLimits, type JsonViolation } from "./json-scan.ts";

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

const nest = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`;

describe("size", () => {
  const tokens = (text: string, tokensMax: number): JsonScan =>
    scanJson(text, { ...roomy, tokensMax });
  const depth = (text: string, depthMax: number): JsonScan =>
    scanJson(text, { ...roomy, depthMax });
  const clean: JsonScan = { kind: "scanned", violations: [] };

  test.each([
    ["1", 1],
    ['"a"', 1],
    ["[]", 1],
    ["{}", 1],
    ["[1, true, false, null, -2.5e3]", 6],
    ['{"a":1}', 3],
    ['{"a":{"b":[{}]},"c":""}', 8],
  ])("%s: values and member names are tokens, %i", (text, count) => {
    expect(tokens(text, count)).toEqual(clean);
    expect(tokens(text, count - 1)).toEqual({ kind: "too_large", limit: "tokens" });
  });

  test.each([
    ["[]", 1],
    ["{}", 1],
    ["[[],[[]],[]]", 3],
    ['{"a":{"b":[{}]}}', 4],
  ])("%s: the root counts as a level, %i in all", (text, count) => {
    expect(depth(text, count)).toEqual(clean);
    expect(depth(text, count - 1)).toEqual({ kind: "too_large", limit: "depth" });
  });

  test("a scalar has no level", () => {
    expect(depth("1", 0)).toEqual(clean);
  });

  test("it stops at once: what follows is not looked at", () => {
    expect(tokens(`[1,2,${'"'.repeat(99)}`, 2)).toEqual({ kind: "too_large", limit: "tokens" });
    expect(depth('[[[["\\ud800"', 3)).toEqual({ kind: "too_large", limit: "depth" });
  });

  test("4 MiB of empty objects, or of brackets, stop at the limit", () => {
    const limits = { ...request, tokensMax: 150_000, depthMax: 128 };
    const objects = `[${"{},".repeat(1_398_101)}{}]`;
    expect(scanJson(objects, limits)).toEqual({ kind: "too_large", limit: "tokens" });
    expect(scanJson(nest(2_097_152), limits)).toEqual({ kind: "too_large", limit: "depth" });
  });
});

describe("too_deep", () => {
  const change = (value: string): string => `{"changes":[{"key":"a","value":${value}}]}`;

  test("an object that is a change's value is level 1: 32 levels pass, 33 do not", () => {
    expect(found(change(`{"x":${nest(31)}}`), request)).toEqual([]);
    expect(found(change(`{"x":${nest(32)}}`), request)).toEqual([
      `too_deep /changes/0/value/x${"/0".repeat(31)}`,
    ]);
    expect(found(change(nest(32)), request)).toEqual([]);
    expect(found(change(nest(33)), request)).toEqual([
      `too_deep /changes/0/value${"/0".repeat(32)}`,
    ]);
  });

  test("scalars are no level", () => {
    expect(found('{"changes":[{"value":{"a":1}}]}', { ...request, nestedDepthMax: 1 })).toEqual([]);
    expect(found('{"changes":[{"value":{}}]}', { ...request, nestedDepthMax: 0 })).toEqual([
      "too_deep /changes/0/value",
    ]);
  });

  test("the containers down to the group's members are not counted", () => {
    expect(found('{"changes":[{"value":1}]}', { ...request, nestedDepthMax: 0 })).toEqual([]);
    expect(found("[[[]]]", { groupDepth: 0, nestedDepthMax: 1 })).toEqual(["too_deep /0/0"]);
    expect(found("[[[[]]]]", { groupDepth: 1, nestedDepthMax: 1 })).toEqual(["too_deep /0/0/0"]);
  });

  test("siblings that are deep enough each do not add up", () => {
    expect(found(change(`[${nest(31)},${nest(31)},${nest(31)}]`), request)).toEqual([]);
  });
});

describe("duplicate_member", () => {
  test.each([
    ['{"a":1,"a":1}', ["/a"]],
    ['{"a":1,"\\u0061":2}', ["/a"]],
    ['{"\\u0061":1,"a":2}', ["/a"]],
    ['{"\\u0061":1,"\\u0061":2}', ["/a"]],
    ['{"é":1,"\\u00e9":2}', ["/é"]],
    ['{"\\n":1,"\\u000A":2}', ["/\n"]],
    ['{"\\/":1,"/":2}', ["/~1"]],
    ['{"😀":1,"\\ud83d\\ude00":2}', ["/😀"]],
    ['{"":1,"":2}', ["/"]],
    ['{"ab":1,"ba":2,"ab":3}', ["/ab"]],
    ['{ "a" : 1 , "b" : { "a" : 1 } , "b" : 2 }', ["/b"]],
    ['[{"a":1,"b":1,"a":2},{"a":1}]', ["/0/a"]],
  ])("%s has %j", (text, paths) => {
    expect(found(text)).toEqual(paths.map((path) => `duplicate_member ${path}`));
  });

  test.each([
    '{"a":1,"A":2,"aa":3,"ab":4,"ba":5,"":6," a":7}',
    '{"a":{"a":{"a":[{"a":1},{"a":1}]}}}',
    '[{"a":1},{"a":1},{"\\u0061":1}]',
    '{"a":"b","b":"a","c":["c","c"]}',
    '{"\\u0061":1,"\\u0062":2,"\\\\u0061":3}',
    '{"e\\u0301":1,"\\u00e9":2}',
    '{"1":1,"1.0":2,"01":3}',
  ])("%s has none", (text) => {
    expect(found(text)).toEqual([]);
  });

  test.each([2, 7, 8, 9, 10, 17, 100])("found at every place among %i names", (count) => {
    const names = Array.from({ length: count }, (_, index) => `"n${index}":0`);
    expect(found(`{${names.join(",")}}`)).toEqual([]);
    for (let repeated = 0; repeated < count; repeated += 1) {
      expect(found(`{${names.join(",")},"n${repeated}":1}`)).toEqual([
        `duplicate_member /n${repeated}`,
      ]);
      expect(found(`{${names.join(",")},"\\u006e${repeated}":1}`)).toEqual([
        `duplicate_member /n${repeated}`,
      ]);
    }
  });

  test("an object's names are its own again after a child with many", () => {
    const many = Array.from({ length: 20 }, (_, index) => `"n${index}":0`).join(",");
    expect(found(`{"a":{${many}},"n3":{${many}},"b":0,"a":1}`)).toEqual(["duplicate_member /a"]);
  });

  test("200,000 distinct names, plain and escaped, are each looked at once", LINEAR, () => {
    for (const prefix of ["member_", "\\u006d_"]) {
      const names = Array.from({ length: 200_000 }, (_, index) => `"${prefix}${index}":0`);
      expect(violations(`{${names.join(",")}}`)).toEqual([]);
      expect(violations(`{${names.join(",")},${names[0]}}`)).toHaveLength(1);
    }
  });
});

describe("forbidden_member", () => {
  test.each([
    ['{"__proto__":1}', "/__proto__"],
    ['{"constructor":1}', "/constructor"],
    ['{"\\u005f_proto__":1}', "/__proto__"],
    ['{"constructo\\u0072":1}', "/constructor"],
    ['[[{"a":{"b":[{"__proto__":{}}]}}]]', "/0/0/a/b/0/__proto__"],
  ])("%s", (text, path) => {
    expect(found(text)).toEqual([`forbidden_member ${path}`]);
  });

  test.each([
    '{"proto":1,"__proto_":2,"__Proto__":3,"constructors":4,"Constructor":5,"prototype":6}',
    '{"a":"__proto__","b":["constructor"]}',
    '{"\\\\u005f_proto__":1,"nine_char":2,"eleven_char":3}',
  ])("%s has none", (text) => {
    expect(found(text)).toEqual([]);
  });
});

describe("lone_surrogate and nul_character", () => {
  const HIGH = "\ud83d";
  const LOW = "\ude00";

  test.each([
    ["escaped high", "\\ud83d"],
    ["escaped low", "\\uDE00"],
    ["the first", "\\ud800"],
    ["the last", "\\uDFFF"],
    ["raw high", HIGH],
    ["raw low", LOW],
    ["high at the end", `abc${HIGH}`],
    ["the wrong way round", `${LOW}${HIGH}`],
    ["the wrong way round, escaped", "\\ude00\\ud83d"],
    ["two high, one low", `\\ud83d${HIGH}\\ude00`],
    ["one high, two low", `${HIGH}\\ude00${LOW}`],
    ["apart", `\\ud83d \\ude00`],
    ["apart by an escape", `${HIGH}\\n${LOW}`],
    ["after a pair", `${HIGH}${LOW}\\ude00`],
    ["before a NUL", "\\ud83d\\u0000"],
  ])("lone_surrogate: %s", (_, content) => {
    expect(found(`["${content}"]`)).toEqual(["lone_surrogate /0"]);
    expect(found(`{"a":"${content}","b":1}`)).toEqual(["lone_surrogate /a"]);
    expect(found(`{"${content}":1}`)).toHaveLength(1);
    expect(found(`{"${content}":1}`)[0]).toMatch(/^lone_surrogate \/.*\uFFFD/);
  });

  test.each([
    ["raw pair", `${HIGH}${LOW}`],
    ["escaped pair", "\\ud83d\\uDE00"],
    ["raw high, escaped low", `${HIGH}\\ude00`],
    ["escaped high, raw low", `\\ud83d${LOW}`],
    ["pairs in a row", `${HIGH}\\ude00\\ud83d${LOW}${HIGH}${LOW}`],
    ["the neighbours of surrogates", "\\ud7ff\\ue000\ud7ff\ue000\\uffff"],
    ["a backslash before u", "\\\\ud83d"],
    ["an escaped quote", '\\"\\\\'],
    ["the other controls", "\\u0001\\u001f\\b\\f\\n\\r\\t\\/"],
    ["zeros that are no escape", "\\\\u0000 u0000 0000"],
  ])("neither: %s", (_, content) => {
    expect(found(`["${content}"]`)).toEqual([]);
    expect(found(`{"${content}":"${content}"}`)).toEqual([]);
  });

  test("a pair does not reach from one string into the next", () => {
    expect(found('["\\ud83d","\\ude00"]')).toEqual(["lone_surrogate /0", "lone_surrogate /1"]);
    expect(found(`["${HIGH}","${LOW}"]`)).toEqual(["lone_surrogate /0", "lone_surrogate /1"]);
  });

  test("nul_character", () => {
    expect(found('["\\u0000"]')).toEqual(["nul_character /0"]);
    expect(found('["a\\u0000b","\\u00000","\\\\\\u0000"]')).toEqual([
      "nul_character /0",
      "nul_character /1",
      "nul_character /2",
    ]);
    expect(found('{"a\\u0000":1}')).toEqual(["nul_character /a\uFFFD"]);
  });

  test("the first of both is named", () => {
    expect(found('["\\u0000\\ud800","\\ud800\\u0000"]')).toEqual([
      "nul_character /0",
      "lone_surrogate /1",
    ]);
  });

  test("strings before and after an escape are read to their own ends", () => {
    expect(found('["plain","\\"","plain","a\\\\","\\ud800","plain"]')).toEqual([
      "lone_surrogate /4",
    ]);
  });
});

describe("number_precision", () => {
  test.each([
    "9007199254740993",
    "1e400",
    "1E-400",
    "-123456789012345678",
    "1234567890.1234567890123",
  ])("%s", (literal) => {
    expect(found(literal, { groupDepth: 0 })).toEqual(["number_precision "]);
    expect(found(`[1,${literal}]`)).toEqual(["number_precision /1"]);
    expect(found(`{"a":{"b":[ ${literal} ]}}`)).toEqual(["number_precision /a/b/0"]);
  });

  test("numbers that survive, on both sides of 15 digits and with exponents", () => {
    expect(
      found(
        "[0,-0,1.10,999999999999999,-99999999999.9999,0.00000000000001,9007199254740992," +
          "0.000000000000001,1e2,0e999,5e-324,1.5E+300,100000000000000000000]",
      ),
    ).toEqual([]);
  });
});

describe("text that is no JSON", () => {
  test.each([
    "",
    " ",
    ",",
    ",,",
    ":",
    "]",
    "}}}",
    "[}",
    "{]",
    "[1,2",
    '"',
    '"\\',
    '"\\u',
    '"\\u00',
    '"\\x"',
    '{"\\x":1}',
    '{"\\u00g0":1}',
    '{"a\u0001\\n":1}',
    '{"a":1,"a\n":1}',
    '{"a" "a" "a"}',
    '{"a"}',
    '{,"a":1,}',
    "{1e400}",
    "{[1e400]}",
    "[1e400 1e400]",
    "1e400 1e400",
    "{}{}[]",
    '{}"a"',
    "-",
    "--",
    "1e",
    "01",
    "t",
    "nul",
    "fals",
    "undefined",
    "\uFEFF[]",
    "\u00a0",
    "\0",
    "\ud800",
    "'a'",
    "// a",
  ])("%j ends, without an exception", (text) => {
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
    expect(scanJson(text, request).kind).toBe("scanned");
  });

  test("a member name after an empty object in an array is a value", () => {
    expect(found('[{},"constructor",{},"constructor"]')).toEqual([]);
  });

  test("megabytes of it end in linear time", LINEAR, () => {
    for (const piece of [
      '"',
      '"\\',
      '{"',
      '{"a":',
      '[",',
      "\\u",
      "-",
      "1e",
      "1.",
      ",",
      ":",
      "}",
      "t",
      " ",
    ]) {
      expect(scanJson(piece.repeat(1_000_000), { ...roomy, depthMax: 64 })).toBeDefined();
    }
  });
});
