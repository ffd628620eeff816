import { exitCodes } from "./exit-code.ts";
import { runCommandLine } from "./run-command-line.ts";

const { env, stdin, stdout, stderr } = process;

/** Resolves once the bytes have left the process, which may end right after, or can't any more. */
const write = (bytes: Uint8Array): Promise<void> =>
  new Promise((resolve) => {
    stdout.write(bytes, () => resolve());
  });

/** Back to the line's beginning, and all of it cleared. */
const CLEAR_LINE = "\r\u001B[K";

// Who reads the output may have gone (`| head`): a server goes on without.
stdout.on("error", () => {});
stderr.on("error", () => {});

const run = async (): Promise<number> => {
  try {
    return await runCommandLine(process.argv.slice(2), {
      environment: env,
      hasColors: stdout.isTTY && (env["NO_COLOR"] ?? "") === "",
      print: (text) => void stdout.write(text),
      complain: (line) => void stderr.write(`synchro: ${line}\n`),
      input: () => stdin,
      write,
      draw: stderr.isTTY ? (line) => void stderr.write(CLEAR_LINE + line) : null,
    });
  } catch (error) {
    const trace = error instanceof Error ? error.stack : String(error);
    stderr.write(`synchro: a defect ended the program\n${trace}\n`);
    return exitCodes.fatal.code;
  }
};

// Nothing that is still open may hold a program that has ended: what matters was awaited.
process.exit(await run());
