import { connect, type NatsConnection, type NodeConnectionOptions } from "@nats-io/transport-node";
import type { Dial, Line } from "../line.ts";
import type { NatsPlace } from "../nats-place.ts";

const openLine = (
  connection: NatsConnection,
  subject: string,
  onPayload: (payload: string) => void,
): Line => {
  connection.subscribe(subject, {
    callback: (error, message) => {
      if (error === null) onPayload(message.string());
    },
  });
  const ended = connection.closed().then((error) => error?.message ?? "the connection was closed");
  return {
    send: (payloads) => {
      for (const payload of payloads) connection.publish(subject, payload);
      return connection.flush();
    },
    probe: () => connection.flush(),
    ended,
    drop: () => void connection.close().catch(() => {}),
  };
};

const optionsOf = (place: NatsPlace): NodeConnectionOptions => ({
  servers: [...place.servers],
  name: "synchro bus",
  // The server itself leaves out whoever published.
  noEcho: true,
  // Whoever holds the line opens the next one: he must know of each.
  reconnect: false,
  ...(place.isEncrypted ? { tls: {} } : {}),
  ...(place.user === null
    ? {}
    : place.password === null
      ? { token: place.user }
      : { user: place.user, pass: place.password }),
});

/**
 * One subject for all spaces. Hints are so small that a node can hear of spaces that nobody asks it
 * for, and one message tells of many; a subject a space would be a message a hint, and as many
 * subscriptions as there are spaces with listeners, made anew at each reconnect.
 */
export const dialNats =
  (place: NatsPlace): Dial =>
  async (onPayload, signal) => {
    signal.throwIfAborted();
    const connection = await connect(optionsOf(place));
    if (signal.aborted) {
      await connection.close();
      signal.throwIfAborted();
    }
    const line = openLine(connection, place.subject, onPayload);
    try {
      // The server has the subscription.
      await line.probe();
      return line;
    } catch (error) {
      line.drop();
      throw error;
    }
  };
