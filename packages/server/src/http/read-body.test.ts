import type { IncomingMessage } from "node:http";
import { PassThrough } from "node:stream";
import { constants, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { discardBody, readBody } from "./read-body.ts";

const MIB = 1024 * 1024;

/** A request whose body is these pieces, which come one a turn of the event loop, as from a socket. */
const requestOf = (
  headers: { readonly [name: string]: string },
  pieces: Iterable<Buffer>,
  { ends = true }: { readonly ends?: boolean } = {},
) => {
  const stream = new PassThrough({ highWaterMark: 1 });
  /** The bytes that were asked for. */
  const state = { taken: 0 };
  const source = pieces[Symbol.iterator]();
  const push = (): void => {
    const next = source.next();
    if (next.done === true) {
      if (ends) stream.end();
      return;
    }
    state.taken += next.value.length;
    if (stream.write(next.value)) setImmediate(push);
    else stream.once("drain", () => setImmediate(push));
  };
  push();
  const request = Object.assign(stream, { headers, complete: ends });
  return { request: request as unknown as IncomingMessage, state };
};

const cutIn = (bytes: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, part) =>
    bytes.subarray(part * size, (part + 1) * size),
  );

describe("[LIMIT-2] reading a body", () => {
  test("a bomb is not inflated: what is taken of it is a buffer full, though it never ends", async () => {
    const zeros = { finishFlush: constants.Z_SYNC_FLUSH };
    const header = deflateSync("").subarray(0, 2);
    const mebibyte = deflateRawSync(Buffer.alloc(MIB), zeros);
    expect(mebibyte.length).toBeLessThan(1_100);
    const endless = (function* () {
      yield header;
      for (;;) yield mebibyte;
    })();
    const { request, state } = requestOf({ "content-encoding": "deflate" }, endless);
    expect(await readBody(request, 4 * MIB)).toEqual({ kind: "too_large" });
    expect(state.taken).toBeLessThan(80_000);
  });

  test("a compressed body that never ends and holds nothing is cut off at the limit", async () => {
    // Empty stored blocks (RFC 1951, section 3.2.4): five bytes that inflate to none.
    const header = deflateSync("").subarray(0, 2);
    const blocks = Buffer.concat(
      Array.from({ length: 1_000 }, () => Buffer.from([0, 0, 0, 0xff, 0xff])),
    );
    const endless = (function* () {
      yield header;
      for (;;) yield blocks;
    })();
    const { request, state } = requestOf({ "content-encoding": "deflate" }, endless);
    expect(await readBody(request, MIB)).toEqual({ kind: "too_large" });
    expect(state.taken).toBeLessThan(MIB + 100_000);
  });

  test("a length that is too great is believed: nothing is read", async () => {
    const { request, state } = requestOf({ "content-length": "11" }, cutIn(Buffer.alloc(11), 1));
    expect(await readBody(request, 10)).toEqual({ kind: "too_large" });
    expect(state.taken).toBeLessThan(4);
  });

  test("a client that leaves is told apart from one that sends nonsense", async () => {
    for (const headers of [{}, { "content-encoding": "gzip" }]) {
      const { request } = requestOf(headers, [gzipSync("{}").subarray(0, 4)], { ends: false });
      const reading = readBody(request, 100);
      setImmediate(() => request.destroy(new Error("aborted")));
      expect(await reading).toEqual({ kind: "cut" });
    }
  });

  test("the bytes come whole, in whatever pieces they were sent", async () => {
    const bytes = Buffer.from("wörter ".repeat(10_000));
    for (const [headers, sent] of [
      [{}, bytes],
      [{ "content-encoding": "gzip" }, gzipSync(bytes)],
    ] as const) {
      const { request } = requestOf(headers, cutIn(sent, 777));
      expect(await readBody(request, MIB)).toEqual({ kind: "read", bytes });
    }
  });
});

describe("discarding a body", () => {
  test("ends at its end, or after so many bytes", async () => {
    expect(await discardBody(requestOf({}, cutIn(Buffer.alloc(100), 10)).request, 100)).toBe(true);
    const { request, state } = requestOf({}, cutIn(Buffer.alloc(1_000), 10));
    expect(await discardBody(request, 100)).toBe(false);
    expect(state.taken).toBeLessThan(200);
  });

  test("does not begin where the length passes that", async () => {
    const { request } = requestOf({ "content-length": "101" }, []);
    expect(await discardBody(request, 100)).toBe(false);
  });
});
