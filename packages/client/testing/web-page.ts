import { createServer, request as httpRequest, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { build, defaultClientConditions } from "vite";

/** A module and all that it imports, as a browser gets it: code by the name of its file. */
export type Bundle = {
  readonly entry: string;
  readonly files: ReadonlyMap<string, string>;
  /** All that is loaded before the module runs; not what it imports only where it is needed. */
  readonly code: string;
};

/**
 * Bundles a module for browsers, minified, with everything that it imports.
 *
 * @param alias what stands in for a module that no browser has, by its name
 */
export const bundleForBrowsers = async (
  entry: string,
  alias: { readonly [name: string]: string } = {},
): Promise<Bundle> => {
  const output = await build({
    configFile: false,
    logLevel: "silent",
    root: join(import.meta.dirname, ".."),
    resolve: { conditions: ["source", ...defaultClientConditions], alias },
    build: {
      write: false,
      target: "es2022",
      lib: { entry, formats: ["es"], fileName: "client" },
      rolldownOptions: {
        preserveEntrySignatures: "allow-extension",
        // By itself Vite leaves the white space in a library.
        output: { minify: true },
      },
    },
  });
  const [result] = Array.isArray(output) ? output : [output];
  if (result === undefined || !("output" in result)) throw new Error("nothing was built");
  const chunks = result.output.filter((file) => file.type === "chunk");
  const files = new Map(chunks.map(({ fileName, code }) => [fileName, code]));
  const [{ fileName, imports }] = result.output;
  const loaded = [fileName, ...imports];
  return { entry: fileName, files, code: loaded.map((name) => files.get(name) ?? "").join("\n") };
};

export type WebPage = { readonly url: string; readonly close: () => void };

/** Serves a page that has `window.synchro`, and everything else from the server at `api()`, as one origin. */
export const serveWebPage = async (bundle: Bundle, api: () => string): Promise<WebPage> => {
  const page = `<!doctype html><title>test</title><script type="module">
    import * as synchro from "/${bundle.entry}";
    window.synchro = synchro;
  </script>`;
  const upgraded = new Set<Duplex>();
  const server: Server = createServer((request, response) => {
    const { url = "/", method = "GET", headers } = request;
    const own = url === "/" ? page : bundle.files.get(url.slice(1));
    if (own !== undefined) {
      const type = url === "/" ? "text/html; charset=utf-8" : "text/javascript; charset=utf-8";
      response.writeHead(200, { "content-type": type }).end(own);
      return;
    }
    const target = new URL(url, api());
    const passed = { ...headers, host: target.host };
    const forwarded = httpRequest(target, { method, headers: passed }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forwarded.on("error", () => response.destroy());
    response.on("close", () => forwarded.destroy());
    request.pipe(forwarded);
  });
  server.on("upgrade", (request, near) => {
    const { hostname, port } = new URL(api());
    const far = connect(Number(port), hostname, () => {
      const own = request.rawHeaders.flatMap((name, index, all) =>
        index % 2 === 0 ? [`${name}: ${all[index + 1] ?? ""}`] : [],
      );
      far.write([`GET ${request.url ?? "/"} HTTP/1.1`, ...own, "\r\n"].join("\r\n"));
      far.pipe(near).pipe(far);
    });
    far.on("error", () => near.destroy());
    far.on("close", () => near.destroy());
    near.on("error", () => far.destroy());
    near.on("close", () => far.destroy());
    upgraded.add(near);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => {
      for (const socket of upgraded) socket.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
};
