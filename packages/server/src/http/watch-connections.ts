import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { NodeMetrics } from "../metrics.ts";

/** Tells how many connections are open, of whatever use, and what they have not taken yet. */
export const watchConnections = (
  server: Server,
  metrics: Pick<NodeMetrics, "watchGauge">,
): void => {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  metrics.watchGauge("connections", () => sockets.size);
  metrics.watchGauge("buffered_bytes", () => {
    let bytes = 0;
    for (const socket of sockets) bytes += socket.writableLength;
    return bytes;
  });
};
