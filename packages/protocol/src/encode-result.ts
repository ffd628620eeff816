import { type ChangeResult, formatStamp, type Rejection } from "@synchro/core";

/** A rejection as the JSON text of the wire. */
export const encodeRejection = ({ code, message, path, stored }: Rejection): string =>
  JSON.stringify({
    code,
    message,
    path,
    ...(stored === undefined ? {} : { stored: stored === null ? null : formatStamp(stored) }),
  });

const encodeResult = (result: ChangeResult): string => {
  switch (result.kind) {
    case "applied":
      return `{"seq":${result.seq}}`;
    case "merged":
      return `{"merged":${result.seq}}`;
    case "superseded":
      return `{"superseded":${result.seq}}`;
    case "rejected":
      return `{"rejected":${encodeRejection(result.rejection)}}`;
  }
};

/** The answers to a request's changes, as a JSON array. */
export const encodeResults = (results: readonly ChangeResult[]): string =>
  `[${results.map(encodeResult).join(",")}]`;
