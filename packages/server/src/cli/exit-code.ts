import { USAGE_EXIT_CODE } from "../config/arguments.ts";

/** Every exit code of the program; `--help` lists them. */
export const exitCodes = {
  ok: { code: 0, meaning: "all went well; a server was stopped and finished what it had begun" },
  failed: {
    code: 1,
    meaning:
      "it could not be done, rows were rejected, or a stop cut off requests; a line says why",
  },
  usage: { code: USAGE_EXIT_CODE, meaning: "the command line or a SYNCHRO_ variable is wrong" },
  fatal: { code: 70, meaning: "a defect, or a disk that can't be trusted any more: start again" },
} as const;
