import { formatStamp, STAMP_MAX, type Stamp, stampFromMillis } from "@synchro/core";
import { peekToken } from "../access/verify-token.ts";
import { openControlOf } from "../compose-control.ts";
import { refuseUsage } from "../config/arguments.ts";
import { StartError } from "../config/start-error.ts";
import { systemRuntime } from "../system-runtime.ts";
import { cliActor } from "./cli-actor.ts";
import { defineCommand, type Terminal } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { looksLikeToken, readTokenInput } from "./read-token-input.ts";
import { dataPlaceFlags, readDataPlace } from "../config/data-place.ts";

type Revoked = { readonly tokenId: string; readonly expiresAt: Stamp };

/** Of a token on stdin its id is enough: whoever forged it has only an id refused that was nobody's. */
const readRevoked = async (operand: string, terminal: Terminal): Promise<Revoked> => {
  if (looksLikeToken(operand)) {
    refuseUsage(
      "a token as an argument is seen by others: give its id, or - and the token on stdin",
    );
  }
  if (operand !== "-") {
    const isId = operand.length <= 128 && /^[\x21-\x7E]+$/.test(operand);
    // How long it would be good is not known: the entry stays.
    if (isId) return { tokenId: operand, expiresAt: STAMP_MAX };
    return refuseUsage("ID must be a token's id, such as synchro token told, or -");
  }
  const token = peekToken(await readTokenInput(terminal), systemRuntime.sha256);
  if (token === null) throw new StartError("what stands on standard input is no token of Synchro");
  return { tokenId: token.id, expiresAt: stampFromMillis(token.claims.expiresAt * 1000) };
};

/** Takes a token back before its time. */
export const tokenRevoke = defineCommand({
  operands: [{ name: "ID", help: "the token's id (its jti), or - for the token itself on stdin" }],
  flags: { ...dataPlaceFlags },
  notes: ["Every server over this data refuses it within 10 seconds; open streams end too."],
  run: async (args, terminal) => {
    const [operand = ""] = args.operands;
    const revoked = await readRevoked(operand, terminal);
    const control = await openControlOf(readDataPlace(args, terminal.environment));
    const { actor, at } = cliActor(systemRuntime);
    try {
      await control.revokeToken(revoked, { actor, now: at });
    } finally {
      await control.close();
    }
    const until =
      revoked.expiresAt === STAMP_MAX
        ? ""
        : ` (it would have been good until ${formatStamp(revoked.expiresAt)})`;
    terminal.print(`Token ${revoked.tokenId} is revoked${until}: refused within 10 seconds.\n`);
    return exitCodes.ok.code;
  },
});
