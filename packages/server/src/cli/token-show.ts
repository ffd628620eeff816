import { formatStamp, stampFromMillis } from "@synchro/core";
import { loadKeys } from "../access/key-ring.ts";
import { isRevoked } from "../access/decide.ts";
import {
  createVerifyToken,
  peekToken,
  type SignedToken,
  type TokenFault,
  type TokenNames,
} from "../access/verify-token.ts";
import { openControlIfThere } from "../compose-control.ts";
import { refuseUsage } from "../config/arguments.ts";
import { keysFlag, readKeySource, readTokenNames, tokenNameFlags } from "../config/settings.ts";
import { StartError } from "../config/start-error.ts";
import { describeGrants } from "../control/describe-grants.ts";
import { systemRuntime } from "../system-runtime.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { readTokenInput } from "./read-token-input.ts";
import { type DataPlace, dataPlaceFlags, readDataPlace } from "../config/data-place.ts";

const faults: { readonly [fault in TokenFault]: string } = {
  malformed: "REFUSED: it has not the form of a token",
  unknown_key: "REFUSED: it names a key that is not among these",
  wrong_algorithm: "REFUSED: its algorithm is not that of its key",
  bad_signature: "REFUSED: its signature is false; nothing of the following can be believed",
  bad_claims: "REFUSED: a claim is missing or not of its form",
  wrong_issuer: "REFUSED: another issuer made it",
  wrong_audience: "REFUSED: it is for another audience",
  expired: "EXPIRED",
  not_yet: "NOT VALID YET",
};

const instant = (seconds: number | null): string =>
  seconds === null ? "not told" : formatStamp(stampFromMillis(seconds * 1000));

const rows = ({ claims, id }: Pick<SignedToken, "claims" | "id">): readonly string[][] => [
  ["id", id],
  ["subject", claims.subject],
  ["spaces", describeGrants(claims.grants)],
  ...(claims.device === null ? [] : [["device", claims.device]]),
  ["issuer", claims.issuer],
  ["audience", claims.audiences.join(" ")],
  ["made", instant(claims.issuedAt)],
  ...(claims.notBefore === null ? [] : [["not before", instant(claims.notBefore)]]),
  ["good until", instant(claims.expiresAt)],
];

/** Whether servers over this data were told to refuse it; null: there is no data here to ask. */
const askRevoked = async (token: SignedToken, place: DataPlace): Promise<boolean | null> => {
  const control = await openControlIfThere(place);
  if (control === null) return null;
  try {
    return isRevoked(token, await control.readAccess());
  } finally {
    await control.close();
  }
};

type Verdict = { readonly line: string; readonly isGood: boolean };

const judge = async (
  text: string,
  of: {
    readonly keys: Awaited<ReturnType<typeof loadKeys>>;
    readonly names: TokenNames;
    readonly place: DataPlace;
  },
): Promise<Verdict> => {
  const { keys, names, place } = of;
  const keyRing = { current: () => keys };
  const { verify } = createVerifyToken({ keyRing, names, runtime: systemRuntime });
  const reading = await verify(text);
  if (reading.kind === "refused") return { line: faults[reading.fault], isGood: false };
  const isTakenBack = await askRevoked(reading.token, place);
  if (isTakenBack === true) return { line: "REVOKED", isGood: false };
  const unasked =
    isTakenBack === null ? "; whether it was revoked is not known: no --data here" : "";
  return { line: `VALID, signed by ${reading.token.keyId}${unasked}`, isGood: true };
};

/** Says what a token holds, and whether a server with these keys would take it. */
export const tokenShow = defineCommand({
  operands: [
    { name: "-", help: "stands for standard input, which is read anyway", isOptional: true },
  ],
  flags: { keys: keysFlag, ...tokenNameFlags, ...dataPlaceFlags },
  notes: [
    "Ends with 0 only where the token is valid. It is read from stdin, never as an argument.",
  ],
  run: async (args, terminal) => {
    if ((args.operands[0] ?? "-") !== "-") {
      refuseUsage("a token as an argument is seen by others: give it on stdin");
    }
    const source = readKeySource(args, terminal.environment) ?? refuseUsage("--keys is missing");
    const keys = await loadKeys(source);
    const text = await readTokenInput(terminal);
    const names = readTokenNames(args);
    const { line, isGood } = await judge(text, {
      keys,
      names,
      place: readDataPlace(args, terminal.environment),
    });
    terminal.print(`${line}\n`);
    const token = peekToken(text, systemRuntime.sha256);
    if (token === null) throw new StartError("it says nothing that a token of Synchro says");
    for (const [name = "", value = ""] of rows(token)) {
      terminal.print(`  ${name.padEnd(10)} ${value}\n`);
    }
    return isGood ? exitCodes.ok.code : exitCodes.failed.code;
  },
});
