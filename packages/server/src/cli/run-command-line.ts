import { nameHint } from "../config/closest-name.ts";
import { StartError } from "../config/start-error.ts";
import { version } from "../version.ts";
import type { Command, Terminal } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { helpText } from "./help.ts";

const commands: { readonly [name: string]: Command } = {
  serve: {
    summary: "run the server (it migrates its database first)",
    load: async () => (await import("./serve.ts")).serve,
  },
  migrate: {
    summary: "bring the database to this program's version, and end",
    load: async () => (await import("./migrate.ts")).migrate,
  },
};

const commandNamed = (name: string): Command => {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command !== undefined) return command;
  const hint = nameHint(name, Object.keys(commands));
  throw new StartError(`${name} is not a command: ${hint}`, exitCodes.usage.code);
};

const run = async (args: readonly string[], terminal: Terminal): Promise<number> => {
  const [name, ...rest] = args;
  if (name === undefined || args.includes("--help") || args.includes("-h")) {
    terminal.print(helpText(commands));
    return exitCodes.ok.code;
  }
  if (name === "--version") {
    terminal.print(`${version}\n`);
    return exitCodes.ok.code;
  }
  const runCommand = await commandNamed(name).load();
  return runCommand(rest, terminal);
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
