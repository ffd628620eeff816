import { type ChangeResult, parseStamp } from "@synchro/core";
import type { WireChangeResult } from "@synchro/protocol";

/**
 * The result of one change, from the wire. A code that this client does not know stays what it is:
 * every code is final but `stamp_ahead`.
 */
export const readResult = (result: WireChangeResult): ChangeResult => {
  if ("seq" in result) return { kind: "applied", seq: result.seq };
  if ("merged" in result) return { kind: "merged", seq: result.merged };
  if ("superseded" in result) return { kind: "superseded", seq: result.superseded };
  const { code, message, path, stored } = result.rejected;
  return {
    kind: "rejected",
    rejection: {
      code: code,
      message,
      path,
      ...(stored === undefined ? {} : { stored: stored === null ? null : parseStamp(stored) }),
    },
  };
};
