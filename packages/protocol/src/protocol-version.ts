/** The major version of the wire; it stands in the path, as `/v2`. */
export const PROTOCOL_VERSION = 2;

/**
 * SHA-256 of what the wire consists of: every schema without its words, every code with its status
 * or finality. `wire-hash.test.ts` says what to do when it no longer fits.
 */
export const WIRE_HASH = "09f497bb68a387a28939f4dbea874d3c861290eb6e56ef3e2a56efed73c459f3";
