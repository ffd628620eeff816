import { formatStamp, type SpaceId } from "@synchro/core";
import { EVERY_SPACE, type Grants, type Level, levels } from "../access/grants.ts";
import { loadKeys } from "../access/key-ring.ts";
import { createMintToken } from "../access/mint-token.ts";
import { auditAt } from "../compose-control.ts";
import { readChoice, readSpan, readSpace, requireText } from "../config/argument-values.ts";
import { type Given, refuseUsage } from "../config/arguments.ts";
import { keysFlag, readKeySource, readTokenNames, tokenNameFlags } from "../config/settings.ts";
import { StartError } from "../config/start-error.ts";
import { describeGrants, onlySpaceOf } from "../control/describe-grants.ts";
import { systemRuntime } from "../system-runtime.ts";
import { cliActor } from "./cli-actor.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { dataPlaceFlags, readDataPlace } from "../config/data-place.ts";

const EXPIRES_S = 30 * 86_400;

const EXPIRES_S_MAX = 3_650 * 86_400;

const SUBJECT_LENGTH_MAX = 128;

type Grant = readonly [SpaceId | typeof EVERY_SPACE, Level];

const readGrant = ({ text, place }: Given, mayHoldAll: boolean): Grant => {
  const [name = "", level, ...others] = text.split("=");
  if (others.length > 0) refuseUsage(`${place} must be SPACE or SPACE=LEVEL, not ${text}`);
  const given = level === undefined ? undefined : { text: level, place: `${place} ${name}=` };
  const held = readChoice(given, levels) ?? "read";
  if (name !== EVERY_SPACE) return [readSpace({ text: name, place }), held];
  if (mayHoldAll) return [EVERY_SPACE, held];
  return refuseUsage(
    `${place} ${text} is every space there is and will be: say --yes-every-space too if you mean it`,
  );
};

const readGrants = (given: readonly Given[], mayHoldAll: boolean): Grants => {
  if (given.length === 0) refuseUsage("--space is missing: --space SPACE=LEVEL, once or more");
  const grants = new Map<SpaceId | typeof EVERY_SPACE, Level>();
  for (const each of given) {
    const [space, level] = readGrant(each, mayHoldAll);
    if (grants.has(space)) refuseUsage(`${each.place} names ${space} twice`);
    grants.set(space, level);
  }
  return grants;
};

const readSubject = (given: Given | undefined): string => {
  const subject = requireText(given, "--subject");
  const isLabel = subject.length <= SUBJECT_LENGTH_MAX && !/\p{Cc}/u.test(subject);
  if (isLabel) return subject;
  return refuseUsage(
    `--subject must be at most ${SUBJECT_LENGTH_MAX} characters, none of them a control character`,
  );
};

const readExpiry = (given: Given | undefined): number => {
  const seconds = readSpan(given) ?? EXPIRES_S;
  if (seconds <= EXPIRES_S_MAX) return seconds;
  return refuseUsage("--expires must be at most 3650d: a token can't be changed once it is out");
};

const refusals = {
  no_signing_key: "no key has its private part: make one with synchro key new",
  too_large: "so many spaces make a token that no server reads: grant fewer, or every space",
} as const;

/** Makes a token and prints it alone, so that a script can take it. */
export const token = defineCommand({
  flags: {
    space: {
      variable: null,
      value: "SPACE=LEVEL",
      help: "a space and read (the default), write or admin; repeatable",
      isRepeatable: true,
    },
    subject: { variable: null, value: "NAME", help: "who it is for: the author of changes" },
    expires: { variable: null, value: "SPAN", help: "how long it is good: 12h, 30d (30d)" },
    "yes-every-space": { variable: null, value: null, help: "needed with --space '*'" },
    keys: keysFlag,
    ...tokenNameFlags,
    ...dataPlaceFlags,
    data: { ...dataPlaceFlags.data, help: "folder whose log notes it, if it is there (./data)" },
  },
  notes: [
    "The token stands alone on stdout; its id, by which it can be revoked, is told on stderr.",
    "  TOKEN=$(synchro token --space malmo-1=write --subject ann --keys keys.json)",
  ],
  run: async (args, terminal) => {
    const grants = readGrants(args.values("space"), args.isOn("yes-every-space"));
    const subject = readSubject(args.value("subject"));
    const expiresInS = readExpiry(args.value("expires"));
    const names = readTokenNames(args);
    const source = readKeySource(args, terminal.environment) ?? refuseUsage("--keys is missing");
    const keys = await loadKeys(source);
    const keyRing = { current: () => keys };
    const mint = createMintToken({ keyRing, names, runtime: systemRuntime });
    const minting = await mint({ subject, grants, expiresInS });
    if (minting.kind !== "minted") throw new StartError(refusals[minting.kind]);
    const until = formatStamp(minting.expiresAt);
    await auditAt(readDataPlace(args, terminal.environment), {
      ...cliActor(systemRuntime),
      action: "token.mint",
      target: minting.id,
      space: onlySpaceOf(grants),
      detail: { subject, spaces: describeGrants(grants), expires_at: until },
    });
    terminal.print(`${minting.token}\n`);
    terminal.complain(`token ${minting.id} of ${subject} is good until ${until}`);
    return exitCodes.ok.code;
  },
});
