import { runCommandLine } from "../src/cli/run-command-line.ts";

export type CommandRun = {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
};

/** Runs a command line in this process, as `synchro ARGS` would. */
export const runCommand = async (
  args: readonly string[],
  of: {
    readonly environment?: { readonly [name: string]: string };
    readonly hasColors?: boolean;
  } = {},
): Promise<CommandRun> => {
  let stdout = "";
  let stderr = "";
  const code = await runCommandLine(args, {
    environment: of.environment ?? {},
    hasColors: of.hasColors ?? false,
    print: (text) => {
      stdout += text;
    },
    complain: (line) => {
      stderr += `${line}\n`;
    },
    async *input() {},
    write: async (bytes) => {
      stdout += Buffer.from(bytes).toString();
    },
    draw: null,
  });
  return { code, stdout, stderr };
};
