// The floor of a first sync: a socket without HTTP onto which the records of a database of Synchro
// are written as lines, in the order of their seqs, read by one statement from beginning to end.
// Whoever connects gets them all. Prints its port when it listens.
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

const PIECE_UNITS = 256 * 1024;

const [folder = ""] = process.argv.slice(2);
const database = new DatabaseSync(join(folder, "data/synchro.db"), { readOnly: true });
const feed = database.prepare(
  `SELECT key, seq, stamp, value FROM records INDEXED BY records_by_seq
   WHERE collection = (SELECT id FROM collections WHERE name = 'readings')
   AND value IS NOT NULL ORDER BY seq`,
);
feed.setReturnArrays(true);

type FeedRow = readonly [key: string, seq: number, stamp: string, value: string];

const sendAll = async (socket: Socket): Promise<void> => {
  let piece = "";
  for (const row of feed.iterate()) {
    const [key, seq, stamp, value] = row as unknown as FeedRow;
    piece += `{"collection":"readings","key":"${key}","seq":${seq},"updated_at":"${stamp}","value":${value}}\n`;
    if (piece.length < PIECE_UNITS) continue;
    if (!socket.write(piece)) await once(socket, "drain");
    piece = "";
  }
  socket.end(piece);
};

const server = createServer((socket) => void sendAll(socket));
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
process.on("SIGTERM", () => process.exit(0));
