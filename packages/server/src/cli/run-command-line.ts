import { parseArguments } from "../config/arguments.ts";
import { nameHint } from "../config/closest-name.ts";
import { StartError } from "../config/start-error.ts";
import { version } from "../version.ts";
import type { CommandEntry, Terminal } from "./command.ts";
import { commands } from "./commands.ts";
import { exitCodes } from "./exit-code.ts";
import { commandHelpText, helpText } from "./help.ts";

type Found = {
  readonly name: string;
  readonly entry: CommandEntry;
  readonly rest: readonly string[];
};

/** A command's name is one word or two: `serve`, `space create`. */
const findCommand = (args: readonly string[]): Found => {
  for (const words of [2, 1]) {
    const name = args.slice(0, words).join(" ");
    const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (entry !== undefined) return { name, entry, rest: args.slice(words) };
  }
  const [first = "", second = ""] = args;
  const names = Object.keys(commands);
  const group = names.filter((name) => name.startsWith(`${first} `));
  if (group.length > 0) {
    const told = second === "" || second.startsWith("-") ? first : `${first} ${second}`;
    throw new StartError(
      `${told} is not a command: ${nameHint(told, group)}`,
      exitCodes.usage.code,
    );
  }
  const hint = nameHint(first, [...new Set(names.map((name) => name.split(" ")[0] ?? name))]);
  throw new StartError(`${first} is not a command: ${hint}`, exitCodes.usage.code);
};

/** Whether help is asked for: by a flag that stands before any `--`. */
const asksForHelp = (args: readonly string[]): boolean => {
  const end = args.indexOf("--");
  return args
    .slice(0, end === -1 ? undefined : end)
    .some((arg) => arg === "--help" || arg === "-h");
};

const run = async (args: readonly string[], terminal: Terminal): Promise<number> => {
  const [first] = args;
  if (first === undefined || first === "--help" || first === "-h") {
    terminal.print(helpText(commands));
    return exitCodes.ok.code;
  }
  if (first === "--version") {
    terminal.print(`${version}\n`);
    return exitCodes.ok.code;
  }
  const { name, entry, rest } = findCommand(args);
  const command = await entry.load();
  if (asksForHelp(rest)) {
    terminal.print(commandHelpText(name, entry.summary, command));
    return exitCodes.ok.code;
  }
  return command.run(parseArguments({ name, ...command }, rest, terminal.environment), terminal);
};

/** Runs a command line to its end and gives the exit code. Whatever stops it is told in one line. */
export const runCommandLine = async (
  args: readonly string[],
  terminal: Terminal,
): Promise<number> => {
  try {
    return await run(args, terminal);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    terminal.complain(error.message);
    return error.exitCode;
  }
};
