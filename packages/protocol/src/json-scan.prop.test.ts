import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  scanJson,
  type JsonScan,
  type JsonScanLimits,
  type JsonViolation,
  type JsonViolationRule,
} from "./json-scan.ts";
import { VIOLATION_PATH_LENGTH_MAX } from "./violation-log.ts";

const SEED = 20_261_124;

// --- The oracle: a recursive reader of JSON that takes its time. It shares no code with the scanner.

class TooLarge extends Error {
  readonly limit: "tokens" | "depth";
  constructor(limit: "tokens" | "depth") {
    super(limit);
    this.limit = limit;
  }
}

type Finding = { readonly rule: JsonViolationRule; readonly tokens: readonly string[] };

/** A decimal as an integer times a power of ten. */
const fraction = (decimal: string): { readonly integer: bigint; readonly power: number } => {
  const match = /^(-?\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(decimal);
  if (match === null) throw new Error(`no decimal: ${decimal}`);
  const [, whole = "", part = "", exponent = "0"] = match;
  return { integer: BigInt(whole + part), power: Number(exponent) - part.length };
};

const isSameDecimal = (left: string, right: string): boolean => {
  const a = fraction(left);
  const b = fraction(right);
  if (a.integer === 0n || b.integer === 0n) return a.integer === b.integer;
  // So far apart that no digits written here could make up for it; and too dear to compute.
  if (Math.abs(a.power - b.power) > 5_000) return false;
  const power = Math.min(a.power, b.power);
  return a.integer * 10n ** BigInt(a.power - power) === b.integer * 10n ** BigInt(b.power - power);
};

const isPrecise = (literal: string): boolean => {
  const double = Number(literal);
  return Number.isFinite(double) && isSameDecimal(literal, String(double));
};

const stringFlaws = (value: string): readonly JsonViolationRule[] =>
  Array.from(value).flatMap((character): JsonViolationRule[] => {
    const point = character.codePointAt(0) ?? 0;
    if (point >= 0xd800 && point <= 0xdfff) return ["lone_surrogate"];
    return point === 0 ? ["nul_character"] : [];
  });

/** Everything that is wrong with a JSON text, in order, groups aside. */
const findings = (text: string, limits: JsonScanLimits): readonly Finding[] => {
  const found: Finding[] = [];
  let rest = text;
  let count = 0;

  const take = (pattern: RegExp): string | null => {
    rest = rest.replace(/^[ \t\n\r]+/, "");
    const match = pattern.exec(rest);
    if (match === null || match.index !== 0) return null;
    rest = rest.slice(match[0].length);
    return match[0];
  };
  const note = (rules: readonly JsonViolationRule[], tokens: readonly string[]): void => {
    found.push(...rules.map((rule) => ({ rule, tokens })));
  };
  const countToken = (): void => {
    count += 1;
    if (count > limits.tokensMax) throw new TooLarge("tokens");
  };
  const openContainer = (tokens: readonly string[]): void => {
    if (tokens.length + 1 > limits.depthMax) throw new TooLarge("depth");
    const levelInMember = tokens.length - (limits.groupDepth + 1) + 1;
    if (levelInMember > limits.nestedDepthMax) note(["too_deep"], tokens);
  };
  const readText = (): string | null => {
    const literal = take(/^"(?:[^"\\]|\\.)*"/s);
    return literal === null ? null : (JSON.parse(literal) as string);
  };
  const readMembers = (tokens: readonly string[]): void => {
    const names: string[] = [];
    while (take(/^\}/) === null) {
      countToken();
      const name = readText() ?? "";
      const member = [...tokens, name];
      note(stringFlaws(name), member);
      if (/^(?:__proto__|constructor)$/.test(name)) note(["forbidden_member"], member);
      if (names.includes(name)) note(["duplicate_member"], member);
      names.push(name);
      take(/^:/);
      readValue(member);
      take(/^,/);
    }
  };
  const readElements = (tokens: readonly string[]): void => {
    for (let index = 0; take(/^\]/) === null; index += 1) {
      readValue([...tokens, String(index)]);
      take(/^,/);
    }
  };
  const readValue = (tokens: readonly string[]): void => {
    countToken();
    if (take(/^\{/) !== null) {
      openContainer(tokens);
      readMembers(tokens);
    } else if (take(/^\[/) !== null) {
      openContainer(tokens);
      readElements(tokens);
    } else if (take(/^(?:true|false|null)/) === null) {
      const value = readText();
      if (value !== null) note(stringFlaws(value), tokens);
      else if (!isPrecise(take(/^[-+.eE\d]+/) ?? "")) note(["number_precision"], tokens);
    }
  };

  readValue([]);
  return found;
};

const pathOf = (tokens: readonly string[]): string => {
  const path = tokens
    .map((token) => token.replace(/\p{Surrogate}|\0/gu, "\uFFFD"))
    .map((token) => `/${token.replace(/~/g, "~0").replace(/\//g, "~1")}`)
    .join("");
  return path.length <= VIOLATION_PATH_LENGTH_MAX ? path : pathOf(tokens.slice(0, -1));
};

/** What `scanJson` must answer for a text that `JSON.parse` accepts. */
const expectedScan = (text: string, limits: JsonScanLimits): JsonScan => {
  try {
    const groups = new Set<string>();
    const violations: JsonViolation[] = [];
    for (const { rule, tokens } of findings(text, limits)) {
      const group = JSON.stringify(tokens.slice(0, limits.groupDepth));
      if (!groups.has(group)) violations.push({ rule, path: pathOf(tokens) });
      groups.add(group);
    }
    return { kind: "scanned", violations: violations.slice(0, limits.violationsMax) };
  } catch (error) {
    if (error instanceof TooLarge) return { kind: "too_large", limit: error.limit };
    throw error;
  }
};

// --- JSON texts: valid ones, written in as many ways as JSON has.

const whitespace = fc.constantFrom("", "", "", "", " ", "\n", "\t", " \r\n ");

const escapeAll = (unit: string): string =>
  `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;

const words = (list: string): fc.Arbitrary<string> => fc.constantFrom(...list.split(" "));

const scalarText = fc
  .tuple(fc.string({ unit: "binary", maxLength: 3 }), fc.boolean())
  .map(([text, isEscaped]) =>
    isEscaped ? text.split("").map(escapeAll).join("") : JSON.stringify(text).slice(1, -1),
  );

const piece = fc.oneof(
  { weight: 12, arbitrary: words("a b é 日 ~ / u 0 0000 😀") },
  { weight: 4, arbitrary: words(String.raw`\n \\ \" \/ \u0061 \u00E9 \u001f`) },
  { weight: 1, arbitrary: words(String.raw`\ud83d\ude00 \ud83d \uDE00`) },
  { weight: 1, arbitrary: words(String.raw`\u0000`) },
  { weight: 1, arbitrary: words("\ud83d \ude00") },
  { weight: 2, arbitrary: scalarText },
);

const stringLiteral = fc.array(piece, { maxLength: 5 }).map((pieces) => `"${pieces.join("")}"`);

/** A name that others have too, sometimes with one unit escaped. */
const familiarName = fc
  .tuple(words("a b c key value changes __proto__ constructor 0 1"), fc.nat(), fc.nat(3))
  .map(([name, at, luck]) => {
    const units = name.split("");
    const place = at % units.length;
    if (luck === 0) units[place] = escapeAll(units[place] ?? "");
    return `"${units.join("")}"`;
  });

const nameLiteral = fc.oneof(
  { weight: 8, arbitrary: familiarName },
  { weight: 8, arbitrary: fc.nat(30).map((number) => `"n${number}"`) },
  { weight: 3, arbitrary: stringLiteral },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 900, max: 1_100 }).map((length) => `"${"n".repeat(length)}"`),
  },
);

const double = fc.double({ noNaN: true, noDefaultInfinity: true });

/** A double's print, or a neighbour of it, with point and exponent moved. */
const movedNumber = fc
  .tuple(double, fc.integer({ min: -30, max: 30 }), fc.constantFrom("", "", "0", "00", "1", "9"))
  .map(([number, move, tail]) => {
    const [mantissa = "", exponent = "0"] = String(Math.abs(number)).split("e");
    const [whole = "", part = ""] = mantissa.split(".");
    const zeros = "0".repeat(Math.max(0, move));
    const digits = `${whole}${part}${tail}${zeros}`.replace(/^0+(?=\d)/, "");
    const power = Number(exponent) - part.length - tail.length - zeros.length;
    const sign = number < 0 ? "-" : "";
    if (move >= 0) return `${sign}${digits}E${power}`;
    return `${sign}0.${"0".repeat(-move)}${digits}e${power - move + digits.length}`;
  });

const inventedNumber = fc
  .tuple(
    words("0 7 -3 10 -999"),
    fc.constantFrom("", ".0", ".10", ".05", ".000"),
    fc.integer({ min: -400, max: 400 }),
  )
  .map(([whole, part, exponent]) => `${whole}${part}e${exponent}`);

const numberLiteral = fc.oneof(
  { weight: 4, arbitrary: fc.nat(99).map(String) },
  { weight: 2, arbitrary: double.map((number) => JSON.stringify(number)) },
  { weight: 2, arbitrary: movedNumber },
  { weight: 2, arbitrary: fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String) },
  { weight: 1, arbitrary: fc.bigInt({ min: 2n ** 53n - 5n, max: 2n ** 53n + 5n }).map(String) },
  { weight: 2, arbitrary: inventedNumber },
  { weight: 1, arbitrary: words("-0 0e999 0.00E-99999999999999999999 5e-324 4e-324 1e+0000002") },
  { weight: 1, arbitrary: words("1e99999999999999999999 1e-99999999999999999999") },
);

/** Parts with a comma between them, or the space that an empty container has instead. */
const listed = (space: string, parts: readonly (readonly string[])[]): string =>
  parts.length === 0 ? space : parts.map((part) => part.join("")).join(",");

const { value: valueText } = fc.letrec<{ value: string; array: string; object: string }>((tie) => {
  const item = fc.tuple(whitespace, tie("value"), whitespace);
  const name = fc.tuple(whitespace, nameLiteral, whitespace);
  const member = fc.tuple(name, item).map(([left, right]) => [...left, ":", ...right]);
  const plainMember = fc.tuple(nameLiteral, fc.constant(":"), numberLiteral);
  const members = fc.oneof(
    { weight: 4, arbitrary: fc.array(member, { maxLength: 5 }) },
    { weight: 1, arbitrary: fc.array(plainMember, { maxLength: 24, size: "max" }) },
  );
  return {
    value: fc.oneof(
      { maxDepth: 7, depthSize: "medium" },
      { weight: 2, arbitrary: words("true false null") },
      { weight: 2, arbitrary: fc.oneof(stringLiteral, familiarName) },
      { weight: 3, arbitrary: numberLiteral },
      { weight: 4, arbitrary: tie("object") },
      { weight: 3, arbitrary: tie("array") },
    ),
    array: fc
      .tuple(whitespace, fc.array(item, { maxLength: 6 }))
      .map(([space, items]) => `[${listed(space, items)}]`),
    object: fc.tuple(whitespace, members).map(([space, all]) => `{${listed(space, all)}}`),
  };
});

const requestText = fc
  .array(valueText, { maxLength: 8 })
  .map((changes) => `{"client_id":"c","changes":[${changes.join(",")}]}`);
const paddedText = fc.tuple(whitespace, valueText, whitespace).map((parts) => parts.join(""));
const jsonText = fc.oneof(
  { weight: 3, arbitrary: paddedText },
  { weight: 2, arbitrary: requestText },
);

const upTo = (max: number): fc.Arbitrary<number> => fc.oneof(fc.constant(1_000_000), fc.nat(max));

const scanLimits: fc.Arbitrary<JsonScanLimits> = fc.record({
  tokensMax: upTo(120),
  depthMax: upTo(12),
  violationsMax: upTo(6),
  groupDepth: fc.nat(3),
  nestedDepthMax: upTo(3),
});

// --- Text that need not be JSON.

const scrap = fc.constantFrom(
  ...'{ } [ ] , : " \\ \\u \\u00 \\ud800 u0000 "a" "__proto__" {"a": [1, \ud800 \udc00'.split(" "),
  ...`0 1 - + . e E 1e400 12345678901234567 true null f n t a é \0 \u0001 \uFEFF`.split(" "),
  ..." \n\u00a0".split(""),
);

const edit = fc.tuple(fc.nat(), fc.nat(4), fc.oneof(scrap, fc.constant("")));

/** A JSON text with a few pieces cut out or put in. */
const damagedText = fc
  .tuple(jsonText, fc.array(edit, { minLength: 1, maxLength: 4 }))
  .map(([text, edits]) =>
    edits.reduce((edited, [place, cut, put]) => {
      const at = place % (edited.length + 1);
      return edited.slice(0, at) + put + edited.slice(at + cut);
    }, text),
  );

const anyText = fc.oneof(
  damagedText,
  fc.array(scrap, { maxLength: 40 }).map((scraps) => scraps.join("")),
  fc.string({ unit: "binary" }),
  fc.array(fc.nat(0xffff), { maxLength: 40 }).map((units) => String.fromCharCode(...units)),
);

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe("scanJson", () => {
  test("answers as the oracle does, for every JSON text", () => {
    fc.assert(
      fc.property(jsonText, scanLimits, (text, limits) => {
        JSON.parse(text);
        expect(scanJson(text, limits)).toEqual(expectedScan(text, limits));
      }),
      { seed: SEED, numRuns: 3_000 },
    );
  });

  test("finds nothing in what JSON.stringify writes of harmless data", () => {
    const all = 1_000_000;
    const limits = { tokensMax: all, depthMax: all, violationsMax: 9, groupDepth: 0 };
    const document = fc.jsonValue({ stringUnit: "grapheme" }).map((value) => JSON.stringify(value));
    fc.assert(
      fc.property(document, (text) => {
        fc.pre(!/__proto__|constructor/.test(text));
        const scan = scanJson(text, { ...limits, nestedDepthMax: all });
        expect(scan).toEqual({ kind: "scanned", violations: [] });
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  test("ends without an exception on any text, and is exact if that is JSON after all", () => {
    fc.assert(
      fc.property(anyText, scanLimits, (text, limits) => {
        const scan = scanJson(text, limits);
        const expected = isJson(text) ? expectedScan(text, limits) : scan;
        expect(scan).toEqual(expected);
      }),
      { seed: SEED, numRuns: 6_000 },
    );
  });

  test("the texts above break every rule and every limit, often", () => {
    const seen = new Map<string, number>();
    const count = (name: string): void => void seen.set(name, (seen.get(name) ?? 0) + 1);
    const samples = fc.tuple(jsonText, scanLimits, anyText);
    for (const [text, limits, any] of fc.sample(samples, { seed: SEED, numRuns: 4_000 })) {
      count(isJson(any) ? "JSON after all" : "no JSON");
      const scan = expectedScan(text, limits);
      if (scan.kind === "too_large") {
        count(scan.limit);
        continue;
      }
      const rules = new Set(scan.violations.map((violation) => violation.rule));
      rules.forEach(count);
      if (scan.violations.length === 0) count("clean");
      if (scan.violations.length > 2) count("many groups");
    }
    const rules = "duplicate_member forbidden_member lone_surrogate nul_character number_precision";
    const others = "too_deep tokens depth clean";
    const rare = [
      ...`${rules} ${others}`.split(" "),
      "many groups",
      "JSON after all",
      "no JSON",
    ].filter((name) => (seen.get(name) ?? 0) < 100);
    expect(rare).toEqual([]);
  });
});
