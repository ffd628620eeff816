import type { IncomingMessage } from "node:http";
import type { Readable, Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";

/** What came of reading a body. Only `read` is whole. */
export type BodyRead =
  | { readonly kind: "read"; readonly bytes: Buffer }
  /** More than `bytesMax` bytes, as sent or after decompression. */
  | { readonly kind: "too_large" }
  | { readonly kind: "unsupported_encoding" }
  /** The bytes are not what Content-Encoding says. */
  | { readonly kind: "bad_encoding" }
  /** The client went away before the end. */
  | { readonly kind: "cut" };

/** Content codings of RFC 9110, section 8.4.1, and Brotli (RFC 7932). */
const inflaters: { readonly [coding: string]: () => Transform } = {
  br: createBrotliDecompress,
  deflate: createInflate,
  gzip: createGunzip,
  "x-gzip": createGunzip,
};

/** For an `Accept-Encoding` header with a refusal (RFC 9110, section 15.5.16). */
export const ACCEPTED_ENCODINGS = "gzip, deflate, br";

const codingOf = (request: IncomingMessage): string =>
  (request.headers["content-encoding"] ?? "identity").trim().toLowerCase();

type Collected = Buffer | "too_large" | "failed";

/** Gathers what `source` gives, and stops listening at the first byte too many; leaves it paused, not destroyed. */
const collect = (source: Readable, bytesMax: number): Promise<Collected> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const finish = (collected: Collected): void => {
      source.off("data", onData).off("end", onEnd).off("error", onFailure).off("close", onFailure);
      // Errors that come later, of a client that leaves, have nobody left to hear them.
      source.on("error", () => {}).pause();
      resolve(collected);
    };
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > bytesMax) finish("too_large");
      else chunks.push(chunk);
    };
    const onEnd = (): void => finish(Buffer.concat(chunks, length));
    const onFailure = (): void => finish("failed");
    source.on("data", onData).on("end", onEnd).on("error", onFailure).on("close", onFailure);
  });

const readPlain = async (request: IncomingMessage, bytesMax: number): Promise<BodyRead> => {
  const collected = await collect(request, bytesMax);
  if (collected === "too_large") return { kind: "too_large" };
  if (collected === "failed") return { kind: "cut" };
  return { kind: "read", bytes: collected };
};

/** Inflates as the bytes come in and never past `bytesMax`: a bomb costs what is allowed to anybody. */
const readInflated = async (
  request: IncomingMessage,
  inflater: Transform,
  bytesMax: number,
): Promise<BodyRead> => {
  let isCut = false;
  const onClose = (): void => {
    // A request that has been read whole closes as well, and the inflater may still be at work.
    isCut = !request.complete;
    if (isCut) inflater.destroy();
  };
  let sent = 0;
  let isOverlong = false;
  const onSent = (chunk: Buffer): void => {
    sent += chunk.length;
    // Compressed data can also be long for what it holds: empty blocks without end.
    isOverlong = sent > bytesMax;
    if (isOverlong) inflater.destroy();
  };
  request.on("data", onSent).once("error", onClose).once("close", onClose).pipe(inflater);
  const collected = await collect(inflater, bytesMax);
  request.off("data", onSent).off("error", onClose).off("close", onClose).unpipe(inflater);
  request.on("error", () => {}).pause();
  inflater.destroy();
  if (collected === "too_large" || isOverlong) return { kind: "too_large" };
  if (collected === "failed") return { kind: isCut ? "cut" : "bad_encoding" };
  return { kind: "read", bytes: collected };
};

/**
 * Reads a request's body into memory: at most `bytesMax` bytes, before and after decompression.
 * Never rejects, and never destroys the request: it can still be answered.
 */
export const readBody = async (request: IncomingMessage, bytesMax: number): Promise<BodyRead> => {
  const coding = codingOf(request);
  const inflater = Object.hasOwn(inflaters, coding) ? inflaters[coding] : undefined;
  if (inflater === undefined && coding !== "identity") return { kind: "unsupported_encoding" };
  if (Number(request.headers["content-length"] ?? 0) > bytesMax) return { kind: "too_large" };
  return inflater === undefined
    ? readPlain(request, bytesMax)
    : readInflated(request, inflater(), bytesMax);
};

/**
 * Takes and forgets what is left of a body that was refused, up to `bytesMax` bytes, so that a
 * client that sends first and reads then gets the answer instead of a reset connection. True if
 * the body has ended, so that the connection can be used again.
 */
export const discardBody = (request: IncomingMessage, bytesMax: number): Promise<boolean> => {
  if (request.readableEnded) return Promise.resolve(true);
  if (Number(request.headers["content-length"] ?? 0) > bytesMax || request.destroyed) {
    return Promise.resolve(false);
  }
  return new Promise((resolve) => {
    let left = bytesMax;
    const finish = (hasEnded: boolean): void => {
      request.off("data", onData).off("end", onEnd).off("error", onFailure).off("close", onFailure);
      request.on("error", () => {});
      resolve(hasEnded);
    };
    const onData = (chunk: Buffer): void => {
      left -= chunk.length;
      if (left < 0) {
        request.pause();
        finish(false);
      }
    };
    const onEnd = (): void => finish(true);
    const onFailure = (): void => finish(false);
    request.on("data", onData).on("end", onEnd).on("error", onFailure).on("close", onFailure);
    request.resume();
  });
};
