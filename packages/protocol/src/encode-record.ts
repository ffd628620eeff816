import { type Author, formatStamp, type Stamp, type StoredRecord } from "@synchro/core";

type Version = {
  readonly collection: string;
  readonly key: string;
  readonly stamp: Stamp;
  readonly value: string | null;
  readonly fieldState?: string | null;
  readonly author: Author | null;
};

const encodeAuthor = (author: Author | null): string => {
  if (author === null) return "";
  const member = author.verified ? "author" : "author_unverified";
  return `,"${member}":${JSON.stringify(author.name)}`;
};

/**
 * A version's members, with no braces around: `"collection":…,"value":…`. `own` comes after the key.
 * Names of collections need no escapes, for their pattern allows nothing that would.
 */
export const encodeVersionMembers = (version: Version, own = ""): string => {
  const content = version.value === null ? '"deleted":true' : `"value":${version.value}`;
  const fields = version.fieldState == null ? "" : `,${version.fieldState}`;
  return `"collection":"${version.collection}","key":${JSON.stringify(version.key)}${own},"updated_at":"${formatStamp(version.stamp)}"${fields},${content}${encodeAuthor(version.author)}`;
};

/**
 * A stored record as the JSON text of the wire (`messages/record.ts`). The value's text goes in as
 * it is, never parsed: it must be JSON without line breaks between its tokens, as `JSON.stringify`
 * writes it.
 */
export const encodeRecord = (record: StoredRecord): string =>
  `{${encodeVersionMembers(record, `,"seq":${record.seq}`)}}`;

/** Records as a JSON array. */
export const encodeRecords = (records: readonly StoredRecord[]): string => {
  let text = "[";
  for (const [index, record] of records.entries()) {
    text += index === 0 ? encodeRecord(record) : `,${encodeRecord(record)}`;
  }
  return `${text}]`;
};
