import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { connect as connectPlain } from "node:net";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { selfSigned } from "../../testing/self-signed.ts";
import { VirtualTime } from "../../testing/virtual-time.ts";
import { startTestServer, type TestServer } from "./http-server.fixture.ts";
import { followTlsFiles, readTlsPair, type TlsPair } from "./tls-files.ts";

let folder: string;
let server: TestServer | null = null;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "synchro-tls-"));
});
afterEach(async () => {
  await server?.server.stop();
  server = null;
  rmSync(folder, { recursive: true });
});

const files = () => ({ certFile: join(folder, "cert.pem"), keyFile: join(folder, "key.pem") });

const write = (pair: Partial<TlsPair>): void => {
  if (pair.cert !== undefined) writeFileSync(files().certFile, pair.cert);
  if (pair.key !== undefined) writeFileSync(files().keyFile, pair.key);
};

const start = async (pair: TlsPair): Promise<TestServer> => {
  server = await startTestServer({ tls: pair });
  return server;
};

const get = (url: string, agent: Agent): Promise<{ status: number; peer: string }> =>
  new Promise((resolve, reject) => {
    const asked = request(`${url}/healthz`, { agent }, (response) => {
      const peer = (response.socket as TLSSocket).getPeerCertificate().subject.CN as string;
      response.resume().on("end", () => resolve({ status: response.statusCode ?? 0, peer }));
    });
    asked.on("error", reject);
    asked.end();
  });

const trusting = (...pairs: readonly TlsPair[]): Agent =>
  new Agent({ ca: pairs.map(({ cert }) => cert), keepAlive: true });

describe("[TOKEN-16] certificate and key are refused in one line", () => {
  const pair = selfSigned();
  const refusal = async (): Promise<string> =>
    readTlsPair(files()).then(
      () => "taken",
      (error: Error) => error.message,
    );

  test.each<readonly [string, Partial<TlsPair>, RegExp]>([
    ["no certificate", { key: pair.key }, /^--tls-cert \S+cert\.pem: there is no such file$/],
    ["no key", { cert: pair.cert }, /^--tls-key \S+key\.pem: there is no such file$/],
    ["an empty one", { cert: "", key: pair.key }, /must be a certificate in PEM$/],
    ["the two exchanged", { cert: pair.key, key: pair.cert }, /must be a certificate in PEM$/],
    ["no key in the key", { ...pair, key: pair.cert }, /must be a private key in PEM, without a/],
    ["another's key", { ...pair, key: selfSigned().key }, /is not the key of the certificate in/],
  ])("%s", async (_, given, line) => {
    write(given);
    const told = await refusal();
    expect(told).toMatch(line);
    expect(told).not.toContain("\n");
    expect(told).not.toMatch(/PRIVATE KEY|MC4C/);
  });

  test("and those that fit are taken", async () => {
    write(pair);
    expect(await readTlsPair(files())).toEqual(pair);
  });
});

describe("[TOKEN-16] over TLS", () => {
  test("a server answers, and says https", async () => {
    const pair = selfSigned();
    const { url } = await start(pair);
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect((await get(url, trusting(pair))).status).toBe(200);
    await expect(get(url, trusting(selfSigned()))).rejects.toThrow(/self-signed|verify/);
  });

  test("nothing older than 1.2 is spoken", async () => {
    const { port } = await start(selfSigned());
    const socket = connect({
      port,
      host: "127.0.0.1",
      rejectUnauthorized: false,
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "ALL@SECLEVEL=0",
    });
    const [error] = (await once(socket, "error")) as [Error];
    expect(error.message).toMatch(/protocol|version|handshake/i);
  });

  test("who speaks plain HTTP is not answered", async () => {
    const { port, url } = await start(selfSigned());
    const socket = connectPlain(port, "127.0.0.1");
    let text = "";
    socket.on("data", (chunk) => (text += chunk.toString("latin1")));
    socket.on("error", () => {});
    socket.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await once(socket, "close");
    expect(text).not.toContain("200");
    expect(url).toContain("https");
  });

  test("a new certificate is for new connections, and drops none", async () => {
    const old = selfSigned("old.test");
    const next = selfSigned("new.test");
    const { url, server: http } = await start(old);
    const open = trusting(old);
    expect((await get(url, open)).peer).toBe("old.test");
    http.renewTls(next);
    expect((await get(url, open)).peer).toBe("old.test");
    expect((await get(url, trusting(next))).peer).toBe("new.test");
    open.destroy();
  });
});

describe("[TOKEN-16] files that change", () => {
  const follow = (known: TlsPair) => {
    const time = new VirtualTime();
    const changes: TlsPair[] = [];
    const lines: string[] = [];
    const note = (of: unknown): void => {
      lines.push(JSON.stringify(of));
    };
    const stop = followTlsFiles(files(), {
      runtime: time.runtime,
      logger: { info: () => {}, warn: note } as never,
      known,
      onChange: (pair) => changes.push(pair),
    });
    const look = async (): Promise<void> => {
      await time.advance(5_000);
      await vi.waitFor(() => expect(time.timers).toBe(1));
    };
    return { changes, lines, look, stop };
  };

  test("are handed out when both are new, and not between the writes of the two", async () => {
    const old = selfSigned();
    const next = selfSigned();
    write(old);
    const { changes, lines, look, stop } = follow(old);
    await look();
    expect(changes).toEqual([]);
    write({ cert: next.cert });
    await look();
    await look();
    expect(changes).toEqual([]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("is not the key of the certificate");
    write({ key: next.key });
    await look();
    expect(changes).toEqual([next]);
    await look();
    expect(changes).toHaveLength(1);
    stop();
  });
});
