const QUOTE = 0x22;
const SLASH = 0x2f;
const ZERO = 0x30;
const NINE = 0x39;
const UPPER_A = 0x41;
const UPPER_F = 0x46;
const BACKSLASH = 0x5c;
const LOWER_A = 0x61;
const LOWER_B = 0x62;
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_R = 0x72;
const LOWER_T = 0x74;
const LOWER_U = 0x75;

/** What text in a JSON string can be that no store keeps: see {@link readStringLiteral}. */
export type StringFlaw = "lone_surrogate" | "nul_character";

type StringLiteral = {
  /** The position of the closing quote. */
  readonly end: number;
  /** The first flaw; null if there is none. */
  readonly flaw: StringFlaw | null;
};

const isSurrogate = (unit: number): boolean => (unit & 0xf800) === 0xd800;
const isLowSurrogate = (unit: number): boolean => (unit & 0xfc00) === 0xdc00;

/** A hexadecimal digit's worth; NaN for anything else, the end of the text (NaN) included. */
const hexDigit = (unit: number): number => {
  if (unit >= ZERO && unit <= NINE) return unit - ZERO;
  if (unit >= LOWER_A && unit <= LOWER_F) return unit - LOWER_A + 10;
  if (unit >= UPPER_A && unit <= UPPER_F) return unit - UPPER_A + 10;
  return Number.NaN;
};

/** The unit that the escape at `at` (its backslash) stands for; NaN if it is no JSON escape. */
const escapedUnit = (text: string, at: number): number => {
  const kind = text.charCodeAt(at + 1);
  switch (kind) {
    case LOWER_U:
      return (
        hexDigit(text.charCodeAt(at + 2)) * 0x1000 +
        hexDigit(text.charCodeAt(at + 3)) * 0x100 +
        hexDigit(text.charCodeAt(at + 4)) * 0x10 +
        hexDigit(text.charCodeAt(at + 5))
      );
    case QUOTE:
    case SLASH:
    case BACKSLASH:
    case LOWER_B:
    case LOWER_F:
    case LOWER_N:
    case LOWER_R:
    case LOWER_T:
      // Which one it is matters to nobody: neither a surrogate nor U+0000.
      return kind;
    default:
      return Number.NaN;
  }
};

/**
 * Reads the JSON string literal whose content begins at `start`, just after the opening quote: where
 * it ends, and the first unit that is half of no surrogate pair, or U+0000, whether it stands there
 * raw or as an escape (a raw half and an escaped one make a pair). Null if it is no JSON string:
 * unterminated, or with a control character or a bad escape in it.
 */
export const readStringLiteral = (text: string, start: number): StringLiteral | null => {
  let flaw: StringFlaw | null = null;
  let highIsOpen = false;
  let at = start;
  while (at < text.length) {
    let unit = text.charCodeAt(at);
    if (unit === QUOTE) return { end: at, flaw: highIsOpen ? (flaw ?? "lone_surrogate") : flaw };
    if (unit < 0x20) return null;
    if (unit === BACKSLASH) {
      unit = escapedUnit(text, at);
      if (Number.isNaN(unit)) return null;
      at += text.charCodeAt(at + 1) === LOWER_U ? 6 : 2;
    } else {
      at += 1;
    }
    const isLow = isLowSurrogate(unit);
    if (highIsOpen !== isLow) flaw ??= "lone_surrogate";
    if (unit === 0) flaw ??= "nul_character";
    highIsOpen = !isLow && isSurrogate(unit);
  }
  return null;
};

/**
 * The value of the JSON string literal whose content is `text` from `start` to `end`, which
 * {@link readStringLiteral} has read.
 */
export const stringLiteralValue = (text: string, start: number, end: number): string => {
  const content = text.slice(start, end);
  return content.includes("\\") ? (JSON.parse(`"${content}"`) as string) : content;
};
