import { createHash } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { version } from "../version.ts";

const links: readonly { readonly path: string; readonly text: string }[] = [
  { path: "/docs", text: "the API, to browse and to try out" },
  { path: "/openapi.json", text: "the same as OpenAPI 3.1" },
  { path: "/healthz", text: "is the process alive?" },
  { path: "/readyz", text: "is it ready for requests?" },
  { path: "/metrics", text: "metrics for Prometheus" },
];

const endpoints: readonly string[] = [
  "POST /v1/sync/",
  "GET /v1/readings/",
  "GET /v1/readings/stream",
  "POST /v2/spaces/{space}/sync",
  "GET /v2/spaces/{space}/changes",
];

const style =
  "body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem;color:#1b1f24;background:#fff}" +
  "code{font:0.9em ui-monospace,monospace}a{color:#0a58ca}dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.5rem}dd{margin:0}" +
  "@media(prefers-color-scheme:dark){body{color:#e6e8eb;background:#16191d}a{color:#7ab2ff}}";

const listed = links
  .map(({ path, text }) => `<dt><a href="${path}">${path}</a></dt><dd>${text}</dd>`)
  .join("\n");

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Synchro</title>
<style>${style}</style>
<h1>Synchro</h1>
<p>A record synchronization server, version ${version}: it keeps records in step between devices
that are offline half of the day, and loses nothing that it has acknowledged.</p>
<dl>
${listed}
</dl>
<p>Endpoints:</p>
<ul>
${endpoints.map((endpoint) => `<li><code>${endpoint}</code></li>`).join("\n")}
</ul>
</html>
`;

const styleHash = createHash("sha256").update(style).digest("base64");

const CONTENT_SECURITY_POLICY = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

const asJson = JSON.stringify({
  name: "synchro",
  version,
  docs: "/docs",
  openapi: "/openapi.json",
  endpoints,
});

/** Whether `Accept` names JSON and not HTML, as programs do and browsers do not. */
const asksForJson = (accept: string | undefined): boolean =>
  accept !== undefined && /\bapplication\/json\b/i.test(accept) && !/\btext\/html\b/i.test(accept);

/** `/` says what this is, to a person (HTML) or to a program (JSON). */
export const addFrontPage = (app: FastifyInstance): void => {
  app.get("/", { schema: { hide: true }, exposeHeadRoute: true }, (request, reply) => {
    reply.header("vary", "accept").header("cache-control", "no-cache");
    if (asksForJson(request.headers.accept)) {
      return reply.header("content-type", "application/json").send(asJson);
    }
    return reply
      .header("content-type", "text/html; charset=utf-8")
      .header("content-security-policy", CONTENT_SECURITY_POLICY)
      .header("x-content-type-options", "nosniff")
      .send(page);
  });
};
