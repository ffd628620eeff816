import type { WireDigest, WireRecord } from "@synchro/protocol";
import { parseJson } from "./json-answer.ts";
import { TransferError } from "./transfer-error.ts";
import type { Page } from "./transport.ts";
import { isCursor, isDigest, isMembers, isRecord, type Members } from "./wire-form.ts";
import { NOT_SYNCHRO } from "./not-synchro.ts";

/** Takes the lines of an NDJSON answer, one by one; gives the page that a line completes, else null. */
export type AssemblePage = (line: string) => Page | null;

type Reset = NonNullable<Page["reset"]>;

const resetOf = (line: Members, isFirst: boolean): Reset => {
  const { reset } = line;
  if (isFirst && (reset === "offer" || reset === "drop")) return reset;
  throw new TransferError(NOT_SYNCHRO);
};

/** What a line that ends a page says of its end; a line with `more` is the last. */
const endOf = (line: Members): Pick<Page, "cursor" | "more" | "digest"> => {
  const { cursor, more, digest } = line;
  if (!isCursor(cursor)) throw new TransferError(NOT_SYNCHRO);
  if (more === undefined) return { cursor };
  if (typeof more !== "boolean") throw new TransferError(NOT_SYNCHRO);
  if (digest === undefined) return { cursor, more };
  if (!isDigest(digest)) throw new TransferError(NOT_SYNCHRO);
  return { cursor, more, digest: digest satisfies WireDigest };
};

/**
 * Pages out of lines (LIVE-4, LIVE-5). Records without the line that ends their page are none: its
 * cursor alone says that they are all there. Lines of a kind that is not known mean nothing.
 */
export const createPageAssembler = (charsMax: number): AssemblePage => {
  let changes: WireRecord[] = [];
  let reset: Reset | null = null;
  let isFirst = true;
  let chars = 0;
  return (line) => {
    if (line.trim() === "") return null;
    chars += line.length;
    if (chars > charsMax) throw new TransferError("a page is too long");
    const value = parseJson(line);
    if (!isMembers(value)) throw new TransferError(NOT_SYNCHRO);
    const wasFirst = isFirst;
    isFirst = false;
    if ("collection" in value) {
      if (!isRecord(value)) throw new TransferError(NOT_SYNCHRO);
      changes.push(value);
    } else if ("cursor" in value) {
      const page = { ...endOf(value), changes, ...(reset === null ? {} : { reset }) };
      changes = [];
      reset = null;
      chars = 0;
      return page;
    } else if ("reset" in value) {
      reset = resetOf(value, wasFirst);
    }
    return null;
  };
};
