/** What a command has of the world besides its arguments. */
export type Terminal = {
  readonly environment: { readonly [name: string]: string | undefined };
  /** Whether stdout is a terminal that takes colours: one that is no file, and no NO_COLOR. */
  readonly hasColors: boolean;
  readonly print: (text: string) => void;
  readonly complain: (line: string) => void;
};

/** Runs one command, and resolves to the exit code when it has ended. */
export type RunCommand = (args: readonly string[], terminal: Terminal) => Promise<number>;

/** A command in `--help`; its code is loaded only to be run. */
export type Command = { readonly summary: string; readonly load: () => Promise<RunCommand> };
