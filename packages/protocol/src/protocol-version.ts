/** The major version of the wire; it stands in the path, as `/v2`. */
export const PROTOCOL_VERSION = 2;

/**
 * SHA-256 of what the wire consists of: every schema without its words, every code with its status
 * or finality. `wire-hash.test.ts` says what to do when it no longer fits.
 */
export const WIRE_HASH = "25ae2add7eaa59cd9ed97c70e89c46c71441bce0323e1059442243441761ab83";
