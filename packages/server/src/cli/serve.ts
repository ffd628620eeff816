import { type RunningServer, startServer } from "../compose.ts";
import { serveFlags, settingsOf } from "../config/settings.ts";
import { systemRuntime } from "../system-runtime.ts";
import { defineCommand, type Terminal } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { serveBanner } from "./serve-banner.ts";

/**
 * A terminal sends Ctrl+C to npm and to this program, and npm passes its own on: two signals within
 * this time are one wish.
 */
const SAME_WISH_MS = 500;

const endAtOnce = (terminal: Terminal, line: string): never => {
  terminal.complain(line);
  process.exit(exitCodes.fatal.code);
};

/** Resolves when a signal has stopped the server; a later one cuts off what it still waits for. */
const untilStopped = (server: RunningServer, terminal: Terminal): Promise<"finished" | "cut"> =>
  new Promise((resolve, reject) => {
    let askedAt: number | null = null;
    const onSignal = (): void => {
      const now = systemRuntime.monotonicMs();
      if (askedAt === null) {
        askedAt = now;
        terminal.print("Stopping: what has begun is finished first; once more stops at once.\n");
        server.stop().then(resolve, reject);
      } else if (now - askedAt > SAME_WISH_MS) server.force();
    };
    process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  });

/** Runs a server until a signal stops it. */
export const serve = defineCommand({
  flags: serveFlags,
  run: async (args, terminal) => {
    const settings = settingsOf(args, terminal.environment);
    const server = await startServer(settings, (reason) => endAtOnce(terminal, reason));
    process.on("uncaughtException", (error) => {
      server.logger.fatal({ err: error }, "a defect");
      endAtOnce(terminal, "a defect ended the server; the log has it");
    });
    // Before anybody can know of the server and want it to end.
    const stopped = untilStopped(server, terminal);
    terminal.print(serveBanner({ ...server, hasColors: terminal.hasColors }));
    const outcome = await stopped;
    if (outcome === "finished") return exitCodes.ok.code;
    terminal.complain("stopped with requests unfinished; their clients send them again");
    return exitCodes.failed.code;
  },
});
