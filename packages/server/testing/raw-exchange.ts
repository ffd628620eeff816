import { request } from "node:http";

/** All that a server sent for one request: nothing of it is parsed away. */
export type RawAnswer = {
  readonly status: number;
  /** Status line, headers as they came, and body. */
  readonly bytes: string;
  /** The same without what differs by the moment alone. */
  readonly timeless: string;
  readonly body: string;
};

export type RawRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers?: { readonly [name: string]: string };
  readonly body?: string;
  /** Ends the reading of an answer that has no end, once its text so far is enough. */
  readonly isEnough?: (text: string) => boolean;
};

/** Sends a request on a connection of its own, and keeps every byte of the answer. */
export const exchangeRaw = (url: string, of: RawRequest): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    const { method, path, headers = {}, body, isEnough } = of;
    const asked = request(`${url}${path}`, { method, headers, agent: false });
    asked.on("error", reject);
    asked.on("response", (response) => {
      const { statusCode = 0, statusMessage = "", rawHeaders } = response;
      let text = "";
      const finish = (): void => {
        const lines: string[] = [];
        for (let at = 0; at < rawHeaders.length; at += 2) {
          lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
        }
        const head = (each: readonly string[]): string =>
          [`${statusCode} ${statusMessage}`, ...each, "", text].join("\n");
        const isTimeless = (line: string): boolean => !/^date:/i.test(line);
        const timeless = head(lines.filter(isTimeless));
        resolve({ status: statusCode, bytes: head(lines), timeless, body: text });
      };
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (isEnough?.(text) === true) {
          response.destroy();
          finish();
        }
      });
      response.on("end", finish);
      response.on("error", finish);
    });
    asked.end(body);
  });
