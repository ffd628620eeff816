import { resolve } from "node:path";
import { backupEngine } from "../compose-operations.ts";
import { readText } from "../config/argument-values.ts";
import { refuseUsage } from "../config/arguments.ts";
import { countOf } from "../operations/count-of.ts";
import { formatBytes } from "../operations/format-bytes.ts";
import { makeBackup } from "../operations/make-backup.ts";
import type { Manifest } from "../operations/manifest.ts";
import { verifyBackup } from "../operations/verify-backup.ts";
import { systemRuntime } from "../system-runtime.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { showProgress } from "./show-progress.ts";
import { dataPlaceFlags, readFolder } from "../config/data-place.ts";

/** What a backup holds, in a few words. */
export const backupText = ({ spaces, files }: Manifest): string => {
  const live = spaces.reduce((sum, space) => sum + space.live, 0);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const names = files.map(({ name }) => name).join(" and ");
  return `${countOf(live, "live record")} in ${countOf(spaces.length, "space")}, ${names}, ${formatBytes(bytes)}`;
};

/** Makes a backup, or with `--verify` looks whether one is whole. */
export const backup = defineCommand({
  operands: [
    { name: "FILE", help: "folder to make, which must not be there yet", isOptional: true },
  ],
  flags: {
    ...dataPlaceFlags,
    verify: {
      value: "FILE",
      variable: null,
      help: "check a backup that was made, and change nothing",
    },
  },
  notes: [
    "It runs beside the server. What was acknowledged before it began is in the backup, which appears",
    "at once, whole, checked and durable, or not at all. One is never overwritten.",
  ],
  run: async (args, terminal) => {
    const [file] = args.operands;
    const verified = readText(args.value("verify"));
    if ((file === undefined) === (verified === null)) {
      refuseUsage("give the FILE to make, or --verify FILE to check one");
    }
    const { onProgress, clear } = showProgress(terminal);
    try {
      if (verified !== null) {
        const manifest = await verifyBackup(backupEngine, resolve(verified));
        clear();
        terminal.print(`${resolve(verified)} is whole: ${backupText(manifest)}.\n`);
        terminal.print(`It was made at ${manifest.made_at} by Synchro ${manifest.synchro}.\n`);
        return exitCodes.ok.code;
      }
      const target = resolve(file ?? "");
      const deps = { engine: backupEngine, runtime: systemRuntime, onProgress };
      const wish = { data: resolve(readFolder(args, terminal.environment)), backup: target };
      const manifest = await makeBackup(deps, wish);
      clear();
      terminal.print(`${target} holds ${backupText(manifest)}.\n`);
      return exitCodes.ok.code;
    } finally {
      clear();
    }
  },
});
