import { createHash } from "node:crypto";

/** SHA-256 of the UTF-8 form of `text`, as `Runtime.sha256` promises it. */
export const sha256 = (text: string): Uint8Array => createHash("sha256").update(text).digest();
