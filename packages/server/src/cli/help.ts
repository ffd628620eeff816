import { flags } from "../config/settings.ts";
import type { Command } from "./command.ts";
import { exitCodes } from "./exit-code.ts";

/** Rows with their columns under each other. */
const table = (rows: readonly (readonly string[])[]): string =>
  rows
    .map((row) =>
      row
        .map((cell, column) => {
          const width = Math.max(...rows.map((other) => other[column]?.length ?? 0));
          return cell.padEnd(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .map((line) => `  ${line}\n`)
    .join("");

/** The text of `--help`. */
export const helpText = (commands: { readonly [name: string]: Command }): string =>
  [
    "Usage: synchro <command> [flags]\n\nCommands:\n",
    table(Object.entries(commands).map(([name, { summary }]) => [name, summary])),
    "\nFlags, each with a variable that it wins over:\n",
    table([
      ...Object.entries(flags).map(([name, { value, help, variable }]) => [
        `--${name} ${value}`,
        variable,
        help,
      ]),
      ["--help, -h", "", "this text"],
      ["--version", "", "the version"],
    ]),
    "\nExit codes:\n",
    table(Object.values(exitCodes).map(({ code, meaning }) => [String(code), meaning])),
  ].join("");
