/** The major version of the wire; it stands in the path, as `/v2`. */
export const PROTOCOL_VERSION = 2;

/**
 * SHA-256 of what the wire consists of: every schema without its words, every code with its status
 * or finality. `wire-hash.test.ts` says what to do when it no longer fits.
 */
export const WIRE_HASH = "4e5c8bc825b9bde3b125d8ea7c162fe91670abe5538d841be9cfe670b1f91fd7";
