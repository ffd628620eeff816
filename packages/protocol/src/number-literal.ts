const ZERO = 0x30;
const DOT = 0x2e;
const MINUS = 0x2d;

/**
 * A decimal that is not zero, its sign aside: 0.DIGITS × 10^exponent, where `digits` neither begins
 * nor ends with a zero, so that two such numbers are equal only if both members are.
 */
type Decimal = { readonly digits: string; readonly exponent: number };

/** Where the exponent's `e` stands; the literal's length if it has none. */
const mantissaEnd = (literal: string): number => {
  const lower = literal.indexOf("e");
  if (lower !== -1) return lower;
  const upper = literal.indexOf("E");
  return upper === -1 ? literal.length : upper;
};

/**
 * The exact value of a JSON number literal; null if it is zero. Nothing is computed with the digits,
 * so a long literal costs a few looks at each.
 */
const decimalOf = (literal: string): Decimal | null => {
  const end = mantissaEnd(literal);
  const begin = literal.charCodeAt(0) === MINUS ? 1 : 0;
  let point = end;
  let first = -1;
  let last = -1;
  for (let at = begin; at < end; at += 1) {
    const unit = literal.charCodeAt(at);
    if (unit === DOT) {
      point = at;
    } else if (unit !== ZERO) {
      if (first === -1) first = at;
      last = at;
    }
  }
  if (first === -1) return null;
  // Places from the first digit to the point, which counts as one itself if it comes earlier.
  const places = point > first ? point - first : point - first + 1;
  return {
    digits: literal.slice(first, last + 1).replace(".", ""),
    exponent: places + Number(literal.slice(end + 1)),
  };
};

/**
 * Whether a JSON number literal is kept by a reader that holds numbers as doubles (RFC 8259,
 * section 6): its exact decimal value is that of the shortest decimal that prints its double, as
 * `JSON.stringify` writes it. So `1.10`, `1e2`, `-0` and `0.1` survive, while `9007199254740993`
 * (one more than its double), `1e400` (infinite) and `1e-400` (zero) do not.
 *
 * Linear in the literal's length. For text that is no JSON number the answer means nothing.
 */
export const survivesDouble = (literal: string): boolean => {
  const written = decimalOf(literal);
  if (written === null) return true;
  const double = Number(literal);
  if (!Number.isFinite(double)) return false;
  const printed = decimalOf(String(double));
  // Where the double is neither zero nor infinite, the exponent is at most as great as the literal
  // is long plus 324, so its sum was exact, however many digits spell it.
  return (
    printed !== null && printed.digits === written.digits && printed.exponent === written.exponent
  );
};
