import { isJsonObject, type JsonObject, type JsonValue } from "@synchro/core";
import { StartError } from "../config/start-error.ts";
import { textTable } from "./read-status.ts";

/** Whoever asks a server; see `transfer/server-client.ts`. */
export type StatusClient = {
  readonly url: string;
  readonly send: (request: {
    readonly path: string;
    readonly accept: string;
    readonly body: string | null;
  }) => Promise<Response>;
};

/** What `status` tells of a running server: the spaces that the caller may see, each as the server tells it. */
export type ServerStatus = { readonly url: string; readonly spaces: readonly JsonObject[] };

const askFor = async (client: StatusClient, path: string): Promise<JsonObject> => {
  const response = await client.send({ path, accept: "application/json", body: null });
  const answer: unknown = await response.json();
  if (!isJsonObject(answer)) throw new StartError(`${client.url} is not a server of Synchro`);
  return answer;
};

const idOf = (space: JsonValue): string =>
  isJsonObject(space) && typeof space["id"] === "string" ? space["id"] : "";

/** Reads the spaces page by page, and of those that the caller administers what they hold. @throws StartError */
export const readServerStatus = async (client: StatusClient): Promise<ServerStatus> => {
  const spaces: JsonObject[] = [];
  for (let after = ""; ; after = idOf(spaces.at(-1) ?? {})) {
    const page = await askFor(client, `/v2/spaces${after === "" ? "" : `?after=${after}`}`);
    const listed = Array.isArray(page["spaces"]) ? page["spaces"] : [];
    for (const space of listed) {
      if (!isJsonObject(space)) continue;
      const held =
        space["level"] === "admin" ? await askFor(client, `/v2/spaces/${idOf(space)}/status`) : {};
      spaces.push({ ...space, ...held });
    }
    if (page["more"] !== true || listed.length === 0) return { url: client.url, spaces };
  }
};

const cell = (value: JsonValue | undefined): string =>
  value === undefined || value === null ? "-" : typeof value === "object" ? "…" : String(value);

const columns = [
  ["SPACE", "id"],
  ["LIVE", "records"],
  ["AT MOST", "records_max"],
  ["HEAD", "head"],
  ["FLOOR", "floor"],
  ["EPOCH", "epoch"],
  ["LEVEL", "level"],
] as const;

/** The status of a server for people. */
export const serverStatusText = ({ url, spaces }: ServerStatus): string =>
  spaces.length === 0
    ? `${url}: no space that may be seen.\n`
    : `${url}\n${textTable([
        columns.map(([title]) => title),
        ...spaces.map((space) => columns.map(([, name]) => cell(space[name]))),
      ])}`;
