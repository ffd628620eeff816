import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { pause } from "./pause.ts";
import { createDatabase, type ServerPlace, type TestDatabase } from "./test-database.ts";

const keeper = join(import.meta.dirname, "keep-postgres.ts");
const ATTEMPTS = 100;

/** Linux's abstract namespace: taken by one process at a time, and free when that ends. */
const address = `\0synchro-postgres-${process.getuid?.()}-${createHash("sha256").update(keeper).digest("hex").slice(0, 12)}`;

type Told = ServerPlace | { readonly failure: string };

/** The line that the keeper says once its server is ready; null: there is no keeper, or not any more. */
const firstLine = async (socket: Socket): Promise<string | null> => {
  let text = "";
  try {
    await once(socket, "connect");
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      text += String(chunk);
      if (text.endsWith("\n")) return text;
    }
  } catch {
    // Refused, or cut.
  }
  return null;
};

const joinKeeper = async (): Promise<ServerPlace> => {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const socket = connect({ path: address });
    const line = await firstLine(socket);
    if (line !== null) {
      const told = JSON.parse(line) as Told;
      if ("failure" in told) throw new Error(told.failure);
      // Open until this process ends: that is what keeps the server.
      socket.unref();
      return told;
    }
    socket.destroy();
    if (attempt % 20 === 0) {
      const args = ["--conditions=source", keeper, address.slice(1)];
      spawn(process.execPath, args, { detached: true, stdio: "ignore" }).unref();
    }
    await pause(50);
  }
  throw new Error("there is no keeper of the tests' PostgreSQL, and none can be started");
};

let joined: Promise<ServerPlace> | null = null;

/**
 * The PostgreSQL that all test files of this machine share: started by the first that asks, gone
 * soon after the last. Whoever stops, kills or configures a server starts one of his own.
 */
export const sharedPostgres = async (): Promise<{
  readonly place: ServerPlace;
  readonly createDatabase: () => Promise<TestDatabase>;
}> => {
  joined ??= joinKeeper();
  const place = await joined;
  return { place, createDatabase: () => createDatabase(place) };
};
