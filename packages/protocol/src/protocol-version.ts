/** The major version of the wire; it stands in the path, as `/v2`. */
export const PROTOCOL_VERSION = 2;

/**
 * SHA-256 of what the wire consists of: every schema without its words, every code with its status
 * or finality. `wire-hash.test.ts` says what to do when it no longer fits.
 */
export const WIRE_HASH = "84147c9569a37e7e6f889d7691a83342e8c55dd321adbea47c81346ca4374037";
