import { resolve } from "node:path";
import { backupEngine } from "../compose-operations.ts";
import { restoreBackup, type Restored } from "../operations/restore-backup.ts";
import { systemRuntime } from "../system-runtime.ts";
import { backupText } from "./backup.ts";
import { auditAt } from "../compose-control.ts";
import { cliActor } from "./cli-actor.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { showProgress } from "./show-progress.ts";
import { dataPlaceFlags, readFolder } from "../config/data-place.ts";

const restoredText = (restored: Restored, data: string, isFinal: boolean): string => {
  const { manifest, replaced, knowsLives, kept } = restored;
  const lines = [
    `${data} holds the backup of ${manifest.made_at}: ${backupText(manifest)}.`,
    isFinal
      ? "Final: devices let go of what they hold beyond it."
      : "Devices offer again what they hold beyond it.",
    replaced === null ? "" : `What was there is kept in ${replaced}.`,
    knowsLives
      ? ""
      : "What was there can't be read: if an earlier restore of it was final, devices may offer what that gave up.",
    kept.length === 0 ? "" : `The backup has no ${kept.join(", ")}: what was there stays.`,
    manifest.files.some(({ name }) => name === "control.db")
      ? `Tokens and devices that were revoked since ${manifest.made_at} are good again: revoke them anew.`
      : "",
  ];
  return lines
    .filter((line) => line !== "")
    .map((line) => `${line}\n`)
    .join("");
};

/** Takes a backup into a data folder. */
export const restore = defineCommand({
  operands: [{ name: "FILE", help: "backup to take" }],
  flags: {
    ...dataPlaceFlags,
    replace: {
      value: null,
      variable: null,
      help: "keep data that are there in replaced-TIME, and take their place",
    },
    final: {
      value: null,
      variable: null,
      help: "give up what devices hold beyond the backup",
    },
  },
  notes: [
    "The server must be stopped. The backup is checked first; a kill at any moment leaves either the",
    "old data in place or the backup's, each whole. A new epoch begins in every space: devices that",
    "hold more than the backup offer it again, or, after --final, drop it. Unsent changes always stay.",
  ],
  run: async (args, terminal) => {
    const data = resolve(readFolder(args, terminal.environment));
    const isFinal = args.isOn("final");
    const { onProgress, clear } = showProgress(terminal);
    try {
      const deps = { engine: backupEngine, runtime: systemRuntime, onProgress };
      const [file = ""] = args.operands;
      const wish = { backup: resolve(file), data, isFinal, replaces: args.isOn("replace") };
      const restored = await restoreBackup(deps, wish);
      clear();
      await auditAt(
        { kind: "folder", folder: data },
        {
          ...cliActor(systemRuntime),
          action: "data.restore",
          target: resolve(file),
          space: null,
          detail: { made_at: restored.manifest.made_at, is_final: isFinal },
        },
      );
      terminal.print(restoredText(restored, data, isFinal));
      return exitCodes.ok.code;
    } finally {
      clear();
    }
  },
});
