// Sends traffic to a server until it is ended, then prints what it sent:
//
//   node send-traffic.ts PORT hostile|legal
//
// Both kinds: so many connections that send bodies of the greatest size one after another, and others
// that open a request and send it byte by byte (hostile) or leave it at small polls (legal).
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { BODY_BYTES, hostileBodies, type HostileBody } from "./hostile-bodies.ts";

const SENDERS = 4;
const SLOW_SENDERS = 50;
const [portText = "", kind = ""] = process.argv.slice(2);
const port = Number(portText);
const agent = new Agent({ keepAlive: true, maxSockets: SENDERS });
const sent = { requests: 0, bytes: 0, statuses: {} as Record<string, number> };
const end = new AbortController();

/** 5,000 changes that are as they should be; each time of other keys. */
let made = 0;
const legalBody = (): HostileBody => {
  const note = "x".repeat(660);
  const changes = Array.from({ length: 5_000 }, () => {
    made += 1;
    return `{"collection":"readings","key":"k${made}","updated_at":"2025-11-24T10:00:00Z","value":{"expiration_date":"2026-12-01","note":"${note}"}}`;
  });
  const bytes = Buffer.from(`{"pull":false,"changes":[${changes.join(",")}]}`);
  if (bytes.length > BODY_BYTES) throw new Error(`${bytes.length} bytes are no legal body`);
  return { name: "legal", bytes };
};

const post = ({ bytes, headers }: HostileBody): Promise<void> =>
  new Promise((resolve) => {
    sent.requests += 1;
    sent.bytes += bytes.length;
    const count = (status: string): void => {
      sent.statuses[status] = (sent.statuses[status] ?? 0) + 1;
      resolve();
    };
    const sending = request({
      agent,
      port,
      host: "127.0.0.1",
      method: "POST",
      path: "/v2/spaces/default/sync",
      headers: { "content-type": "application/json", "content-length": bytes.length, ...headers },
    });
    sending.once("error", () => count("cut"));
    sending.once("response", (answer) => {
      answer.resume();
      answer.once("close", () => count(String(answer.statusCode)));
    });
    sending.end(bytes);
  });

const sendLarge = async (first: number): Promise<void> => {
  for (let index = first; !end.signal.aborted; index += 1) {
    const hostile = hostileBodies[index % hostileBodies.length];
    await post(kind === "hostile" && hostile !== undefined ? hostile : legalBody());
  }
};

/** A byte at a time, in headers that never end. */
const sendSlowly = async (): Promise<void> => {
  while (!end.signal.aborted) {
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    socket.resume().write("POST /v2/spaces/default/sync HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
    while (!end.signal.aborted && socket.writable) {
      socket.write("a");
      await sleep(50);
    }
    socket.destroy();
  }
};

const pollNow = async (): Promise<void> => {
  while (!end.signal.aborted) {
    await fetch(`http://127.0.0.1:${port}/v2/spaces/empty/changes`).then((answer) => answer.text());
    await sleep(50);
  }
};

process.on("SIGTERM", () => {
  end.abort();
  process.stdout.write(`${JSON.stringify(sent)}\n`, () => process.exit(0));
});
const all = [
  ...Array.from({ length: SENDERS }, (_, index) => sendLarge(index * 3)),
  ...Array.from({ length: SLOW_SENDERS }, kind === "hostile" ? sendSlowly : pollNow),
];
process.stdout.write("sending\n");
await Promise.all(all);
