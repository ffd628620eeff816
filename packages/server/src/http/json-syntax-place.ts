const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACE = 0x7d;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;
const LOWER_U = 0x75;

/** What may come next. */
type Expected = "value" | "value_or_end" | "name" | "name_or_end" | "colon" | "comma_or_end";

const isSpace = (unit: number): boolean =>
  unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09;

const isHexDigit = (unit: number): boolean =>
  (unit >= 0x30 && unit <= 0x39) || ((unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x66);

const simpleEscapes = new Set(Array.from('"\\/bfnrt', (letter) => letter.charCodeAt(0)));

/** A token's end, or where it breaks off. */
type Passed = { readonly end: number } | { readonly brokenAt: number };

const passString = (text: string, start: number): Passed => {
  let at = start + 1;
  while (at < text.length) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) return { end: at + 1 };
    if (unit < 0x20) return { brokenAt: at };
    if (unit !== BACKSLASH) {
      at += 1;
      continue;
    }
    const kind = text.charCodeAt(at + 1);
    if (kind === LOWER_U) {
      for (let digit = at + 2; digit < at + 6; digit += 1) {
        if (!isHexDigit(text.charCodeAt(digit))) return { brokenAt: Math.min(digit, text.length) };
      }
      at += 6;
    } else if (simpleEscapes.has(kind)) at += 2;
    else return { brokenAt: Math.min(at + 1, text.length) };
  }
  return { brokenAt: text.length };
};

// Sticky and without nested repetition: linear, and no deeper than a few frames.
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

const passNumber = (text: string, start: number): Passed => {
  number.lastIndex = start;
  return number.test(text) ? { end: number.lastIndex } : { brokenAt: start };
};

const passWord = (text: string, start: number): Passed => {
  for (const word of ["true", "false", "null"]) {
    if (text.startsWith(word, start)) return { end: start + word.length };
  }
  return passNumber(text, start);
};

/**
 * The offset of the first unit at which `text` stops being the beginning of a JSON text (RFC 8259);
 * the text's length if it ends too early; null if it is JSON. One look at each unit, no recursion.
 * For telling people where `JSON.parse` failed, since its messages do not always.
 */
export const jsonSyntaxErrorAt = (text: string): number | null => {
  /** For each open container whether it is an object. */
  const open: boolean[] = [];
  let expected: Expected | "end" = "value";
  const afterValue = (): Expected | "end" => (open.length === 0 ? "end" : "comma_or_end");
  let at = 0;
  while (at < text.length) {
    const unit = text.charCodeAt(at);
    if (isSpace(unit)) {
      at += 1;
      continue;
    }
    const inObject = open.at(-1) === true;
    const closes = unit === (inObject ? CLOSE_BRACE : CLOSE_BRACKET);
    if (expected === "end") return at;
    if (closes && expected.endsWith("_or_end")) {
      open.pop();
      expected = afterValue();
      at += 1;
    } else if (expected === "comma_or_end") {
      if (unit !== COMMA) return at;
      expected = inObject ? "name" : "value";
      at += 1;
    } else if (expected === "colon") {
      if (unit !== COLON) return at;
      expected = "value";
      at += 1;
    } else if (unit === OPEN_BRACE || unit === OPEN_BRACKET) {
      if (expected === "name" || expected === "name_or_end") return at;
      open.push(unit === OPEN_BRACE);
      expected = unit === OPEN_BRACE ? "name_or_end" : "value_or_end";
      at += 1;
    } else {
      const isName: boolean = expected === "name" || expected === "name_or_end";
      if (isName && unit !== QUOTE) return at;
      const passed = unit === QUOTE ? passString(text, at) : passWord(text, at);
      if ("brokenAt" in passed) return passed.brokenAt;
      at = passed.end;
      expected = isName ? "colon" : afterValue();
    }
  }
  return expected === "end" ? null : text.length;
};
