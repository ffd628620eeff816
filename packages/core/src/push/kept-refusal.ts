import { type Runtime, toHex } from "../runtime.ts";
import { utf8Length } from "../unicode.ts";
import type { RefusedEvidence } from "./push-change.ts";
import type { Rejection } from "./rejection.ts";

/**
 * What is kept of a refused change, of which `text` is the JSON: its text, or, where it has more than
 * `rejectedBytesMax` bytes in UTF-8, the hash of it. Spec: EVID-7, EVID-8.
 */
export const keptRefusal = (
  rejection: Rejection,
  text: string,
  {
    rejectedBytesMax,
    sha256,
  }: {
    readonly rejectedBytesMax: number;
    readonly sha256: Runtime["sha256"];
  },
): RefusedEvidence =>
  utf8Length(text) <= rejectedBytesMax
    ? { rejection, body: text }
    : { rejection, body: null, bodyHash: toHex(sha256(text)) };
