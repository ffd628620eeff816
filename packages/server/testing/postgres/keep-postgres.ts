import { createServer } from "node:net";
import { systemRuntime } from "../../src/system-runtime.ts";
import { startPostgres } from "./start-postgres.ts";

/**
 * A program: keeps one PostgreSQL for all test processes of this checkout, for as long as one of
 * them is connected here and a little longer. A process that is killed is disconnected by the
 * kernel, and a server whose keeper is killed ends with it: nothing stays behind.
 */
const LINGER_MS = 10_000;

// A NUL can not stand in an argument.
const [address = ""] = process.argv.slice(2);
let users = 0;

const door = createServer();
// Another keeper was faster: whoever started this one finds that.
door.on("error", () => process.exit(0));
door.listen(`\0${address}`, () => void keep());

async function keep(): Promise<void> {
  const kept = startPostgres();
  door.on("connection", (user) => {
    users += 1;
    user.on("error", () => {});
    user.on("data", () => {});
    user.on("close", () => {
      users -= 1;
      leaveLater();
    });
    kept.then(
      ({ port, socket }) => user.write(`${JSON.stringify({ port, socket })}\n`),
      (error: unknown) => user.end(`${JSON.stringify({ failure: String(error) })}\n`),
    );
  });
  const server = await kept.catch(() => null);
  let cancel = (): void => {};
  function leaveLater(): void {
    cancel();
    cancel = systemRuntime.after(server === null ? 0 : LINGER_MS, () => {
      if (users > 0) return;
      door.close();
      void (server?.dispose() ?? Promise.resolve()).finally(() => process.exit(0));
    });
  }
  leaveLater();
}
