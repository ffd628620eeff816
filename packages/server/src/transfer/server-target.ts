import {
  decodeCursor,
  isJsonObject,
  type JsonValue,
  type Runtime,
  type SpaceId,
  toHex,
} from "@synchro/core";
import { StartError } from "../config/start-error.ts";
import type { ImportTarget, OutgoingChange, SentResult } from "./outgoing-change.ts";
import type { ServerClient } from "./server-client.ts";

const badAnswer = (client: ServerClient): StartError =>
  new StartError(
    `${client.url} gives an answer that is none of Synchro's: is it the right server?`,
  );

const readJson = async (client: ServerClient, response: Response): Promise<unknown> => {
  try {
    return await response.json();
  } catch {
    throw badAnswer(client);
  }
};

const resultOf = (result: JsonValue): SentResult | null => {
  if (!isJsonObject(result)) return null;
  const { seq, merged, superseded, rejected } = result;
  if (typeof seq === "number") return { kind: "applied", seq };
  if (typeof merged === "number") return { kind: "applied", seq: merged };
  if (typeof superseded === "number") return { kind: "superseded", seq: superseded };
  if (!isJsonObject(rejected)) return null;
  const { code, message, path } = rejected;
  if (typeof code !== "string" || typeof message !== "string" || typeof path !== "string") {
    return null;
  }
  return { kind: "rejected", code, message, path };
};

/**
 * The space's head, by the cursor that a run from the beginning gets: this program and its server
 * know what a cursor says. It also shows, before a row is read, that the server can be used.
 */
const readHead = async (
  client: ServerClient,
  space: SpaceId,
  collection: string,
): Promise<number> => {
  const path = `/v2/spaces/${space}/changes?limit=1&collections=${collection}`;
  const response = await client.send({ path, accept: "application/json", body: null });
  const answer = await readJson(client, response);
  if (!isJsonObject(answer) || !("cursor" in answer)) throw badAnswer(client);
  const { cursor } = answer;
  const position = typeof cursor === "string" ? decodeCursor(cursor) : null;
  if (position === null || position === "invalid") return 0;
  return position.start ?? position.seq;
};

/** Sends changes to a server's sync endpoint. A batch that is too large for it is halved. */
export const openServerTarget = async (deps: {
  readonly client: ServerClient;
  readonly space: SpaceId;
  /** One that the server must have. */
  readonly collection: string;
  readonly runtime: Pick<Runtime, "randomBytes">;
}): Promise<ImportTarget> => {
  const { client, space } = deps;
  const clientId = `import_${toHex(deps.runtime.randomBytes(8))}`;
  const post = async (changes: readonly OutgoingChange[]): Promise<readonly SentResult[]> => {
    const texts = changes.map(({ text }) => text).join(",");
    const response = await client.send({
      path: `/v2/spaces/${space}/sync`,
      accept: "application/json",
      body: `{"client_id":"${clientId}","pull":false,"changes":[${texts}]}`,
    });
    if (response.status === 413) {
      await response.body?.cancel();
      return postHalves(changes);
    }
    const answer = await readJson(client, response);
    const answered = isJsonObject(answer) ? answer["results"] : null;
    if (!Array.isArray(answered)) throw badAnswer(client);
    const results = (answered as readonly JsonValue[]).map(resultOf);
    if (results.length === 0 || results.length > changes.length) throw badAnswer(client);
    if (!results.every((result) => result !== null)) throw badAnswer(client);
    return results;
  };
  const postHalves = async (changes: readonly OutgoingChange[]): Promise<readonly SentResult[]> => {
    if (changes.length > 1) return send(changes.slice(0, Math.ceil(changes.length / 2)));
    const message = "the change alone is larger than the server takes";
    return [{ kind: "rejected", code: "value_too_large", message, path: "" }];
  };
  // An answer may be to the first of the changes only: what follows has not been judged.
  const send = async (changes: readonly OutgoingChange[]): Promise<readonly SentResult[]> => {
    const results: SentResult[] = [];
    while (results.length < changes.length) {
      results.push(...(await post(changes.slice(results.length))));
    }
    return results;
  };
  const head = await readHead(client, space, deps.collection);
  return { head, send, close: () => Promise.resolve() };
};
