import { gzipSync } from "node:zlib";

/** A request's body that means harm, with the headers that it needs. */
export type HostileBody = {
  readonly name: string;
  readonly bytes: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
};

/** As much as a server takes by default. */
export const BODY_BYTES = 4 * 1024 * 1024;

const filled = (head: string, piece: string, tail: string): Buffer => {
  const pieces = Math.floor((BODY_BYTES - head.length - tail.length) / Buffer.byteLength(piece));
  return Buffer.from(`${head}${piece.repeat(pieces)}${tail}`);
};

/** Numbered pieces, until the body is as large as it may be. */
const numbered = (head: string, pieceOf: (n: number) => string, tail: string): Buffer => {
  const pieces: string[] = [];
  let length = head.length + tail.length;
  for (let n = 0; length < BODY_BYTES - 4_096; n += 1) {
    const piece = `${n === 0 ? "" : ","}${pieceOf(n)}`;
    length += piece.length;
    pieces.push(piece);
  }
  return Buffer.from(`${head}${pieces.join("")}${tail}`);
};

const change = (n: number, value: string): string =>
  `{"collection":"readings","key":"k${n}","updated_at":"2025-11-24T10:00:00Z","value":${value}}`;

const bomb = gzipSync(Buffer.alloc(128 * 1024 * 1024, " "));

/** Bodies of the greatest size allowed that cost a server as much as they can. */
export const hostileBodies: readonly HostileBody[] = [
  { name: "arrays without end", bytes: filled("", "[", "") },
  { name: "objects without end", bytes: filled("", '{"a":', "1") },
  { name: "as many values as fit", bytes: filled('{"changes":[1', ",1", "]}") },
  { name: "one number", bytes: filled('{"changes":[', "9", "]}") },
  {
    name: "long numbers",
    bytes: filled('{"changes":[1', ",1.00000000000000000000000001e300", "]}"),
  },
  { name: "one member again and again", bytes: filled('{"a":1', ',"a":1', "}") },
  { name: "other members", bytes: numbered("{", (n) => `"${n.toString(36)}":1`, "}") },
  { name: "members with escapes", bytes: filled('{"a":1', String.raw`,"a":1`, "}") },
  { name: "halves of surrogate pairs", bytes: filled('{"a":"', String.raw`\ud800`, '"}') },
  {
    name: "a syntax error at the end",
    bytes: numbered("{", (n) => `"${n}":"${"x".repeat(40)}"`, ""),
  },
  {
    name: "changes that are all refused",
    bytes: numbered('{"changes":[', (n) => change(n, `{"_no":"${"x".repeat(780)}"}`), "]}"),
  },
  {
    name: "values that nest too deep",
    bytes: numbered(
      '{"changes":[',
      (n) => change(n, `{"a":${"[".repeat(400)}${"]".repeat(400)}}`),
      "]}",
    ),
  },
  { name: "bytes that are no UTF-8", bytes: Buffer.alloc(BODY_BYTES, 0xff) },
  { name: "a gzip bomb", bytes: bomb, headers: { "content-encoding": "gzip" } },
];
