// The floor of a live connection: `ws` that lets everybody in and knows nothing of them. A POST's body
// is sent to all, as one buffer. Prints its port when it listens.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const frame = Buffer.concat(chunks);
    for (const socket of sockets.clients) socket.send(frame, { binary: false });
    response.end("{}");
  });
});
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
// Who listens to nothing is answered to nothing: the least that a server does with a connection.
sockets.on("connection", (socket) => socket.on("message", () => {}));

server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
process.on("SIGTERM", () => process.exit(0));
