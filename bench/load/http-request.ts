/** A request as the bytes of the wire, ready to be sent any number of times. */
export const httpRequest = (
  method: "GET" | "POST" | "PUT",
  path: string,
  body: string | Buffer = "",
  headers: Readonly<Record<string, string>> = {},
): Buffer => {
  const bytes = Buffer.from(body);
  const all = {
    Host: "localhost",
    ...(method === "GET"
      ? {}
      : { "Content-Type": "application/json", "Content-Length": String(bytes.length) }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`), bytes]);
};
