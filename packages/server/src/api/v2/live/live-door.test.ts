import { get as httpGet } from "node:http";
import { type Problem, PROBLEM_MEDIA_TYPE } from "@synchro/protocol";
import { describe, expect, test } from "vitest";
import { useLiveServer } from "../../../../testing/live-server.ts";

const live = useLiveServer();

const handshake = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-protocol": "synchro.v2",
};

type Headers = { readonly [name: string]: string };

type Answer = { readonly status: number; readonly headers: Headers; readonly problem: Problem };

/** Asks for an upgrade; the answer where there is none, null where there is. */
const ask = (headers: Headers, path = "/v2/live", method = "GET"): Promise<Answer | null> =>
  new Promise((resolve, reject) => {
    const request = httpGet(`${live.server().url}${path}`, { headers, method, agent: false });
    request.on("error", reject);
    request.on("upgrade", (_, socket) => {
      socket.destroy();
      resolve(null);
    });
    request.on("response", (response) => {
      let text = "";
      response.on("data", (chunk) => (text += String(chunk)));
      response.on("end", () => {
        const problem = JSON.parse(text) as Problem;
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers as Headers,
          problem,
        });
      });
    });
  });

const without = (name: string): Headers =>
  Object.fromEntries(Object.entries(handshake).filter(([each]) => each !== name));

const refused = async (...asking: Parameters<typeof ask>): Promise<Answer> => {
  const answer = await ask(...asking);
  if (answer === null) throw new Error("it was let in");
  expect(answer.headers["content-type"]).toBe(PROBLEM_MEDIA_TYPE);
  expect(answer.headers["cache-control"]).toBe("no-store");
  return answer;
};

describe("[LIVE-16] a handshake", () => {
  test.each<[string, Headers, number, string]>([
    ["that asks for no upgrade", { accept: "*/*" }, 426, "upgrade_required"],
    ["without a version", without("sec-websocket-version"), 426, "upgrade_required"],
    ["of another version", { ...handshake, "sec-websocket-version": "8" }, 426, "upgrade_required"],
    ["for something else", { ...handshake, upgrade: "h2c" }, 426, "upgrade_required"],
    ["without a key", without("sec-websocket-key"), 400, "bad_request"],
    ["with a key that is none", { ...handshake, "sec-websocket-key": "abc" }, 400, "bad_request"],
    ["without a subprotocol", without("sec-websocket-protocol"), 400, "bad_request"],
    [
      "of another subprotocol",
      { ...handshake, "sec-websocket-protocol": "synchro.v3, synchro" },
      400,
      "bad_request",
    ],
  ])("%s is refused", async (_, headers, status, code) => {
    await live.start();
    const answer = await refused(headers);
    expect([answer.status, answer.problem.code]).toEqual([status, code]);
    if (status !== 426) return;
    expect(answer.headers["upgrade"]).toBe("websocket");
    expect(answer.headers["sec-websocket-version"]).toBe("13");
  });

  test.each(["/v2/live", "/v2/live/", "/v2/live?a=b"])("at %s is let in", async (path) => {
    await live.start();
    expect(await ask(handshake, path)).toBeNull();
  });

  test.each(["/v2/lives", "/v2/live/x", "/v2/LIVE", "/"])("at %s opens nothing", async (path) => {
    await live.start();
    const answer = await ask({ ...handshake, accept: "application/json" }, path);
    expect(answer).not.toBeNull();
  });

  test("with another method is 405", async () => {
    await live.start();
    expect(await refused(handshake, "/v2/live", "PUT")).toMatchObject({ status: 405 });
  });

  test("is answered with the subprotocol, among others that were offered, and no extension", async () => {
    await live.start();
    const client = await live.connect({ protocols: ["synchro.v3", "synchro.v2"] });
    expect(client.socket.protocol).toBe("synchro.v2");
    expect(client.socket.extensions).toBe("");
  });

  test("of something else is served as if it did not ask: a client may offer h2c with any request", async () => {
    await live.start();
    const headers = { connection: "Upgrade", upgrade: "h2c" };
    const answer = await refused(headers, "/v2/spaces/no--space-/changes?limit=0");
    expect(answer.status).toBe(400);
  });
});

describe("[LIVE-17] a page", () => {
  const from = (origin: string): Headers => ({ ...handshake, origin });

  test.each(["https://app.example", "null", "http://localhost:5173", "nonsense", "http://"])(
    "of %s may not connect",
    async (origin) => {
      await live.start({ corsOrigins: ["https://other.example"] });
      const answer = await refused(from(origin));
      expect([answer.status, answer.problem.code]).toEqual([403, "origin_not_allowed"]);
    },
  );

  test("of an origin that the operator names may", async () => {
    await live.start({ corsOrigins: ["https://app.example"] });
    expect(await ask(from("https://app.example"))).toBeNull();
    expect(await refused(from("http://app.example"))).toMatchObject({ status: 403 });
  });

  test("of the server's own may", async () => {
    await live.start();
    expect(await ask(from(live.server().url))).toBeNull();
  });

  test("[OPEN-5] that reaches an open server by a name of its own may not, nor through a proxy", async () => {
    await live.start();
    const rebound = { ...handshake, host: "evil.example", origin: "http://evil.example" };
    expect((await refused(rebound)).problem.code).toBe("host_not_allowed");
    const proxied = { ...handshake, "x-forwarded-for": "203.0.113.1" };
    expect((await refused(proxied)).problem.code).toBe("forwarded_refused");
  });
});

describe("[LIVE-16] a server that has no place", () => {
  const expectBusy = ({ status, headers, problem }: Answer): void => {
    expect([status, problem.code]).toEqual([503, "unavailable"]);
    expect(Number(headers["retry-after"])).toBeGreaterThanOrEqual(1);
  };

  test("refuses the next, and takes nobody's place for it", async () => {
    await live.start({ limits: { streamsMax: 2 } });
    const first = await live.hello();
    const second = await live.hello();
    expectBusy(await refused(handshake));
    first.send({ type: "ping" });
    second.send({ type: "ping" });
    await Promise.all([first.next("pong"), second.next("pong")]);
    first.close();
    await expect.poll(() => ask(handshake)).toBeNull();
  });

  test("tells one that was let in before the others said hello, and closes it", async () => {
    await live.start({ limits: { streamsMax: 1 } });
    const late = await live.connect();
    await live.hello();
    late.send({ type: "hello", protocol: 2 });
    const { problem, retry_after_ms: afterMs } = await late.next("error");
    expect(problem.code).toBe("unavailable");
    expect(afterMs).toBeGreaterThanOrEqual(5_000);
    expect(await late.closed).toMatchObject({ code: 4_503 });
  });

  test("listens to so many that have not said who they are", async () => {
    await live.start({ limits: { liveWaitingMax: 2 } });
    const [first] = [await live.connect(), await live.connect()];
    expectBusy(await refused(handshake));
    first.send({ type: "hello", protocol: 2 });
    await first.next("welcome");
    expect(await ask(handshake)).toBeNull();
  });
});
