import { formatStamp, type SpaceId } from "@synchro/core";
import { INVITATION_SECONDS, INVITATION_SECONDS_MAX, INVITATION_USES_MAX } from "@synchro/protocol";
import { levels } from "../access/grants.ts";
import { withControl } from "../compose-control.ts";
import { type Given, refuseUsage } from "../config/arguments.ts";
import { readChoice, readSpace, readSpan, readWhole } from "../config/argument-values.ts";
import { readPublicUrl } from "../config/settings.ts";
import { joinUrl, makeInvitation } from "../control/make-invitation.ts";
import { systemRuntime } from "../system-runtime.ts";
import { actingNow } from "./acting-now.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { qrCode } from "./qr-code.ts";
import { findSpace, readTitle } from "./space-arguments.ts";
import { textTable } from "./text-table.ts";
import { dataPlaceFlags, readDataPlace } from "../config/data-place.ts";

const readSpaces = (given: readonly Given[]): readonly SpaceId[] => {
  if (given.length === 0) refuseUsage("--space is missing: --space SPACE, once or more");
  return [...new Set(given.map(readSpace))];
};

const readLasting = (given: Given | undefined): number => {
  const seconds = readSpan(given) ?? INVITATION_SECONDS;
  if (seconds <= INVITATION_SECONDS_MAX) return seconds;
  return refuseUsage(`--expires must be at most ${INVITATION_SECONDS_MAX / 86_400}d`);
};

/** Makes a code that lets devices in, and shows it once. */
export const invite = defineCommand({
  flags: {
    ...dataPlaceFlags,
    space: {
      value: "SPACE",
      variable: null,
      help: "space that the devices get; repeatable, must be given",
      isRepeatable: true,
    },
    level: { value: "LEVEL", variable: null, help: `${levels.join(", ")} (write)` },
    label: { value: "TEXT", variable: null, help: "what the log calls it" },
    expires: { value: "SPAN", variable: null, help: "how long the code lasts: 15m, 2h, 7d (15m)" },
    uses: { value: "COUNT", variable: null, help: "devices that it lets in (1)" },
    "server-url": {
      value: "URL",
      variable: "SYNCHRO_PUBLIC_URL",
      help: "where devices reach the server",
    },
    qr: { value: null, variable: null, help: "a QR code also where stdout is no terminal" },
  },
  notes: [
    "The code is shown this once: of it only a hash is kept. With --server-url the QR code opens the",
    "server's app, which takes the code; without, it holds the code alone.",
  ],
  run: async (args, terminal) => {
    const spaces = readSpaces(args.values("space"));
    const level = readChoice(args.value("level"), levels) ?? "write";
    const uses = readWhole(args.value("uses"), { min: 1, max: INVITATION_USES_MAX }) ?? 1;
    const lastsS = readLasting(args.value("expires"));
    const label = readTitle(args.value("label")) ?? "";
    const url = readPublicUrl(args.value("server-url"));
    const data = readDataPlace(args, terminal.environment);
    const { code, expiresAt } = await withControl(data, { makes: false }, async (control) => {
      for (const space of spaces) await findSpace(control, data, space);
      const grants = new Map(spaces.map((space) => [space, level] as const));
      const { actor } = actingNow();
      const wish = { grants, label, lastsS, uses, actor };
      return makeInvitation({ control, runtime: systemRuntime }, wish);
    });
    const shown = url === null ? code : joinUrl(url, code);
    const who = uses === 1 ? "one device" : `${uses} devices`;
    const rows = [
      ["Code", code],
      ...(url === null ? [] : [["Join", shown]]),
      ["Lets in", `${who}, to ${level} in ${spaces.join(", ")}`],
      ["Until", formatStamp(expiresAt)],
    ];
    terminal.print(textTable(rows));
    if (terminal.hasColors || args.isOn("qr")) {
      terminal.print(`\n${qrCode(shown, terminal.hasColors)}\n`);
    }
    return exitCodes.ok.code;
  },
});
