import { Buffer } from "node:buffer";

/** Types of elements, by PostgreSQL's numbers for them (`pg_type.dat`). */
const TEXT = 25;
const BIGINT = 20;
const BOOLEAN = 16;

const HEADER_BYTES = 20;
const NULL_LENGTH = -1;

/** The head of an array in PostgreSQL's binary form: dimensions, whether it has nulls, type, length, first index. */
const writeHeader = (bytes: Buffer, type: number, length: number, hasNull: boolean): number => {
  bytes.writeInt32BE(1, 0);
  bytes.writeInt32BE(hasNull ? 1 : 0, 4);
  bytes.writeInt32BE(type, 8);
  bytes.writeInt32BE(length, 12);
  bytes.writeInt32BE(1, 16);
  return HEADER_BYTES;
};

// In its text form an array of JSON texts would have every quote of theirs escaped, here and there.

/** A parameter of type `text[]`. */
export const textColumn = (values: readonly (string | null)[]): Buffer => {
  let size = HEADER_BYTES;
  let hasNull = false;
  for (const value of values) {
    size += 4;
    if (value === null) hasNull = true;
    else size += Buffer.byteLength(value);
  }
  const bytes = Buffer.allocUnsafe(size);
  let at = writeHeader(bytes, TEXT, values.length, hasNull);
  for (const value of values) {
    const length = value === null ? NULL_LENGTH : bytes.write(value, at + 4);
    bytes.writeInt32BE(length, at);
    at += 4 + Math.max(0, length);
  }
  return bytes;
};

/** A parameter of type `bigint[]`; integers that a double holds exactly. */
export const bigintColumn = (values: readonly number[]): Buffer => {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + values.length * 12);
  let at = writeHeader(bytes, BIGINT, values.length, false);
  for (const value of values) {
    bytes.writeInt32BE(8, at);
    bytes.writeBigInt64BE(BigInt(value), at + 4);
    at += 12;
  }
  return bytes;
};

/** A parameter of type `boolean[]`. */
export const booleanColumn = (values: readonly (boolean | null)[]): Buffer => {
  const hasNull = values.includes(null);
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + values.length * 5);
  let at = writeHeader(bytes, BOOLEAN, values.length, hasNull);
  for (const value of values) {
    bytes.writeInt32BE(value === null ? NULL_LENGTH : 1, at);
    at += 4;
    if (value === null) continue;
    bytes.writeUInt8(value ? 1 : 0, at);
    at += 1;
  }
  return bytes.subarray(0, at);
};
