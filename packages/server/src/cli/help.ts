import type { Flag } from "../config/arguments.ts";
import type { Command, CommandEntry } from "./command.ts";
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

const exitCodeTable = (): string =>
  `\nExit codes:\n${table(Object.values(exitCodes).map(({ code, meaning }) => [String(code), meaning]))}`;

/** The text of `synchro --help`. */
export const helpText = (commands: { readonly [name: string]: CommandEntry }): string =>
  [
    "Usage: synchro <command> [operands] [flags]\n\nCommands:\n",
    table(Object.entries(commands).map(([name, { summary }]) => [name, summary])),
    "\nsynchro <command> --help tells a command's flags; synchro --version tells the version.\n",
    exitCodeTable(),
  ].join("");

const flagRow = ([name, { value, variable, help }]: readonly [string, Flag]): readonly string[] => [
  value === null ? `--${name}` : `--${name} ${value}`,
  variable ?? "",
  help,
];

/** The text of `synchro <command> --help`. */
export const commandHelpText = (name: string, summary: string, command: Command): string => {
  const { operands, flags, notes } = command;
  const operandNames = operands.map((operand) =>
    operand.isOptional === true ? `[${operand.name}]` : operand.name,
  );
  const flagRows = [...Object.entries(flags).map(flagRow), ["--help, -h", "", "this text"]];
  return [
    `Usage: ${["synchro", name, ...operandNames, "[flags]"].join(" ")}\n\n${summary}\n`,
    operands.length === 0
      ? ""
      : `\nOperands:\n${table(operands.map((operand) => [operand.name, operand.help]))}`,
    `\nFlags, each with the variable that it wins over:\n${table(flagRows)}`,
    notes.length === 0 ? "" : `\n${notes.join("\n")}\n`,
    exitCodeTable(),
  ].join("");
};
