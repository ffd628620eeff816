// The floor of a request: `node:http` that parses a body and answers as much as Synchro does, and
// nothing else. Prints its port when it listens.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const EPOCH = "WzEsImUiLCIwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZiIsMTAwMDBd";

const pulled = JSON.stringify({
  cursor: EPOCH,
  more: false,
  now: "2026-11-24T10:01:02.123456Z",
  changes: [],
  digest: {
    at: 10_000,
    collections: {
      batches: { count: 0, sum: "0000000000000000" },
      documents: { count: 0, sum: "0000000000000000" },
      readings: { count: 10_000, sum: "9f3c9f3c9f3c9f3c" },
    },
  },
});

const server = createServer((request, response) => {
  response.setHeader("content-type", "application/json; charset=utf-8");
  if (request.method !== "POST") {
    response.setHeader("content-length", Buffer.byteLength(pulled));
    response.end(pulled);
    return;
  }
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const { changes } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as {
      readonly changes: readonly unknown[];
    };
    const pushed = JSON.stringify({
      ack: EPOCH,
      now: "2026-11-24T10:01:02.123456Z",
      results: changes.map((_, index) => ({ seq: index })),
      changes: [],
    });
    response.setHeader("content-length", Buffer.byteLength(pushed));
    response.end(pushed);
  });
});

server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
process.on("SIGTERM", () => process.exit(0));
