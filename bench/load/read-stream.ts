import { get } from "node:http";
import { connect } from "node:net";

/** What a client that only counts got of a long answer. */
export type StreamOutcome = {
  readonly bytes: number;
  /** Line feeds. */
  readonly lines: number;
  readonly seconds: number;
};

const LINE_FEED = 10;

const countLines = (chunk: Buffer): number => {
  let lines = 0;
  for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, at + 1)) {
    lines += 1;
  }
  return lines;
};

const read = (source: NodeJS.ReadableStream, startedAt: number): Promise<StreamOutcome> =>
  new Promise((resolve, reject) => {
    let bytes = 0;
    let lines = 0;
    source.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      lines += countLines(chunk);
    });
    source.on("error", reject);
    source.on("end", () =>
      resolve({ bytes, lines, seconds: (performance.now() - startedAt) / 1_000 }),
    );
  });

/** Reads the answer to a GET to its end, on a connection of its own. */
export const readHttpStream = async (
  port: number,
  path: string,
  accept: string,
): Promise<StreamOutcome> => {
  const startedAt = performance.now();
  const request = get({ host: "127.0.0.1", port, path, agent: false, headers: { accept } });
  const response = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    request.once("response", (answer) => {
      if (answer.statusCode === 200) resolve(answer);
      else reject(new Error(`answered ${answer.statusCode}`));
    });
    request.once("error", reject);
  });
  return read(response, startedAt);
};

/** Reads a socket that sends without being asked. */
export const readSocket = (port: number): Promise<StreamOutcome> => {
  const startedAt = performance.now();
  return read(connect(port, "127.0.0.1"), startedAt);
};
