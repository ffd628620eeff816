import type { Arguments, Flag, Operand } from "../config/arguments.ts";

/** What a command has of the world besides its arguments. */
export type Terminal = {
  readonly environment: { readonly [name: string]: string | undefined };
  /** Whether stdout is a terminal that takes colours: one that is no file, and no NO_COLOR. */
  readonly hasColors: boolean;
  readonly print: (text: string) => void;
  readonly complain: (line: string) => void;
  /** Standard input, as it comes. */
  readonly input: () => AsyncIterable<Uint8Array>;
  /** Writes to stdout and waits while its reader is behind: for what may be large. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** Draws one line in place of the last one drawn, where somebody watches stderr; null: nobody does. */
  readonly draw: ((line: string) => void) | null;
};

/** Runs one command, and resolves to the exit code when it has ended. */
export type RunCommand<Name extends string = string> = (
  args: Arguments<Name>,
  terminal: Terminal,
) => Promise<number>;

/** All of a command but its name. */
export type Command = {
  readonly operands: readonly Operand[];
  readonly flags: { readonly [name: string]: Flag };
  /** What help says beside the flags: lines of at most 96 characters. */
  readonly notes: readonly string[];
  readonly run: RunCommand;
};

/** Gives a command its types: its flags are the names that it may ask its arguments for. */
export const defineCommand = <Name extends string>(command: {
  readonly operands?: readonly Operand[];
  readonly flags: { readonly [name in Name]: Flag };
  readonly notes?: readonly string[];
  readonly run: RunCommand<Name>;
}): Command => ({ operands: [], notes: [], ...command });

/** A command in the list of `--help`; its code is loaded only to be run or explained. */
export type CommandEntry = { readonly summary: string; readonly load: () => Promise<Command> };
