/** A line without its end; `text` null: it was longer than allowed, and its text was let go. */
export type Line = { readonly number: number; readonly text: string | null };

const withoutReturn = (text: string): string => (text.endsWith("\r") ? text.slice(0, -1) : text);

/**
 * Text as lines, ended by LF or CRLF, numbered from 1; the last may have no end. A line of more than
 * `lengthMax` UTF-16 units takes no more memory than that.
 */
export async function* readLines(
  texts: AsyncIterable<string>,
  lengthMax: number,
): AsyncGenerator<Line> {
  let number = 1;
  let begun = "";
  let isTooLong = false;
  const end = (tail: string): Line => {
    const text = withoutReturn(begun + tail);
    const line = { number, text: isTooLong || text.length > lengthMax ? null : text };
    number += 1;
    begun = "";
    isTooLong = false;
    return line;
  };
  for await (const text of texts) {
    let start = 0;
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", start)) {
      yield end(text.slice(start, at));
      start = at + 1;
    }
    if (isTooLong) continue;
    begun += text.slice(start);
    // One more for a return that may belong to the end.
    isTooLong = begun.length > lengthMax + 1;
    if (isTooLong) begun = "";
  }
  if (begun !== "" || isTooLong) yield end("");
}
