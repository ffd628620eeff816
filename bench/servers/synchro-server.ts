import { join } from "node:path";
import { httpRequest } from "../load/http-request.ts";
import { HttpConnection } from "../load/http-connection.ts";
import { portIn, type ServerProcess, startServerProcess } from "./server-process.ts";

const program = join(import.meta.dirname, "../../packages/server/bin/synchro.mjs");

/** For whoever looks at a single run: `BENCH_NODE_FLAGS="--cpu-prof --cpu-prof-dir=DIR"`. */
const extraFlags = (process.env["BENCH_NODE_FLAGS"] ?? "").split(" ").filter((flag) => flag !== "");

/** The command line as an operator runs it, in open mode on a free port. */
export const startSynchro = (
  options: {
    readonly folder?: string;
    readonly environment?: Readonly<Record<string, string>>;
    readonly nodeFlags?: readonly string[];
  } = {},
): Promise<ServerProcess> =>
  startServerProcess({
    ...options,
    program,
    nodeFlags: ["--conditions=source", ...extraFlags, ...(options.nodeFlags ?? [])],
    args: (folder) => ["serve", "--port", "0", "--data", join(folder, "data")],
    ready: portIn(/listens on \S*?http:\/\/127\.0\.0\.1:(\d+)/),
  });

export const syncPath = (space = "default"): string => `/v2/spaces/${space}/sync`;
export const changesPath = (space = "default"): string => `/v2/spaces/${space}/changes`;

const once = async (port: number, request: Buffer): Promise<unknown> => {
  const connection = await HttpConnection.open(port);
  const { status, body } = await connection.exchange(request);
  connection.close();
  if (status !== 200) throw new Error(`answered ${status}: ${body.toString()}`);
  return JSON.parse(body.toString());
};

type Standing = { readonly cursor: string; readonly records: number };

/** Where a space stands: the cursor of its head, and the live readings that its digest counts. */
export const standingOf = async (port: number, space = "default"): Promise<Standing> => {
  for (let cursor: string | null = null; ;) {
    const query: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page = (await once(
      port,
      httpRequest("GET", `${changesPath(space)}?limit=10000${query}`),
    )) as {
      readonly cursor: string;
      readonly more: boolean;
      readonly digest?: { readonly collections: Record<string, { readonly count: number }> };
    };
    ({ cursor } = page);
    if (!page.more) {
      return { cursor: page.cursor, records: page.digest?.collections["readings"]?.count ?? 0 };
    }
  }
};
