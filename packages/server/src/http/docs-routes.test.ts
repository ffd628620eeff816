import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "./http-server.fixture.ts";

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({
    routes: [
      (app) => {
        const schema = {
          summary: "An exchange.",
          tags: ["v2"],
          body: {
            type: "object",
            required: ["cursor"],
            properties: { cursor: { type: "string" } },
          },
          response: {
            200: { type: "object", properties: { more: { type: "boolean" } } },
            "4XX": { type: "object", properties: { code: { type: "string" } } },
          },
        };
        app.post("/v2/spaces/:space/sync", { schema }, () => ({ more: "not a boolean", extra: 1 }));
      },
    ],
  });
});

afterAll(() => server.server.stop());

const get = async (path: string) => {
  const response = await fetch(`${server.url}${path}`);
  expect(response.status).toBe(200);
  return { text: await response.text(), headers: response.headers };
};

/** What a browser would load for a page or a stylesheet, as far as the text says. */
const loadedBy = (text: string): readonly string[] =>
  [
    ...text.matchAll(
      /(?:src|href|action)\s*=\s*["']([^"']*)["']|url\(\s*["']?([^"')]*)|@import\s+["']([^"']*)/g,
    ),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? "");

describe("/openapi.json", () => {
  test("is OpenAPI 3.1 of the routes' schemas", async () => {
    const { text, headers } = await get("/openapi.json");
    expect(headers.get("content-type")).toMatch(/^application\/json/);
    const document = JSON.parse(text);
    expect(document.openapi).toBe("3.1.0");
    expect(document.info.title).toBe("Synchro");
    expect(Object.keys(document.paths)).toEqual([
      "/healthz",
      "/readyz",
      "/metrics",
      "/v2/spaces/{space}/sync",
    ]);
    const sync = document.paths["/v2/spaces/{space}/sync"].post;
    expect(sync.requestBody.content["application/json"].schema.required).toEqual(["cursor"]);
    expect(Object.keys(sync.responses["4XX"].content)).toEqual(["application/problem+json"]);
    const metrics = document.paths["/metrics"].get;
    expect(Object.keys(metrics.responses["200"].content)).toEqual(["text/plain"]);
  });

  test("documents, and neither checks what comes in nor changes what goes out", async () => {
    const response = await fetch(`${server.url}/v2/spaces/a/sync`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    expect(await response.json()).toEqual({ more: "not a boolean", extra: 1 });
  });
});

describe("/docs loads nothing from elsewhere", () => {
  test.each(["/docs", "/docs/"])("%s and all that it names", async (path) => {
    const { text, headers } = await get(path);
    const policy = headers.get("content-security-policy") ?? "";
    expect(policy).toMatch(/^default-src 'none'; /);
    expect(policy).not.toMatch(/https?:|\*|unsafe|\bws:/);
    const assets = loadedBy(text);
    expect(assets.length).toBeGreaterThanOrEqual(7);
    expect(text).not.toMatch(/<script(?![^>]*\bsrc=)/);
    expect(text).not.toMatch(/<style|\sstyle=|\son\w+=/);
    for (const asset of assets) {
      const url = new URL(asset, `${server.url}${path}`);
      expect(url.origin).toBe(server.url);
      const loaded = await get(url.pathname);
      if (!url.pathname.endsWith(".css")) continue;
      const inner = loadedBy(loaded.text);
      expect(inner.filter((name) => !name.startsWith("data:"))).toEqual([]);
    }
  });

  test("its own script asks this server for the document, and nobody for a verdict on it", async () => {
    const { text } = await get("/docs/static/swagger-initializer.js");
    expect(text).toContain("url: resolveUrl('./json')");
    expect(text).toContain("validatorUrl: null");
    expect(text).not.toMatch(/https?:\/\/(?!stackoverflow\.com)/);
    expect((await get("/docs/json")).text).toBe((await get("/openapi.json")).text);
  });
});

describe("/", () => {
  test("tells a person what this is", async () => {
    const { text, headers } = await get("/");
    expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; style-src 'sha256-/,
    );
    const paths = loadedBy(text);
    expect(paths).toEqual(["/docs", "/openapi.json", "/healthz", "/readyz", "/metrics"]);
    for (const path of paths) await get(path);
  });

  test("and a program", async () => {
    const response = await fetch(server.url, { headers: { accept: "application/json" } });
    expect(await response.json()).toMatchObject({ name: "synchro", docs: "/docs" });
  });
});
