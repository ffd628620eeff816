import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { readSettings } from "./settings.ts";
import { StartError } from "./start-error.ts";

const refusal = (args: readonly string[], environment = {}): StartError => {
  try {
    readSettings(args, environment);
  } catch (error) {
    if (error instanceof StartError) return error;
    throw error;
  }
  throw new Error("was not refused");
};

describe("a bad value gets one line that names the flag and the rule", () => {
  test.each([
    [["--port", "abc"], '--port must be a whole number from 0 to 65535, not "abc"'],
    [["--port", "70000"], '--port must be a whole number from 0 to 65535, not "70000"'],
    [["--port", "-1"], '--port must be a whole number from 0 to 65535, not "-1"'],
    [["--port", "7e3"], '--port must be a whole number from 0 to 65535, not "7e3"'],
    [["--port="], '--port must be a whole number from 0 to 65535, not ""'],
    [["--port"], "--port needs a value: --port PORT"],
    [["--port", "1", "--port", "2"], "--port is given twice"],
    [["--data", " "], "--data must not be empty"],
    [["--keys", " "], "--keys must not be empty"],
    [["--issuer", ""], "--issuer must not be empty"],
    [["--tls-cert", "a"], "--tls-cert needs --tls-key FILE beside it"],
    ...["shops.example", "ftp://shops.example", "https://a:b@shops.example", "https://a/?b"].map(
      (url): [string[], string] => [
        ["--public-url", url],
        `--public-url must be an address such as https://shops.example, not "${url}"`,
      ],
    ),
    [["--tls-key", "a"], "--tls-key needs --tls-cert FILE beside it"],
    [
      ["--log-level", "loud"],
      '--log-level must be one of silent, error, warn, info, debug, not "loud"',
    ],
    [["--prot", "1"], "--prot is not a flag of serve: did you mean --port?"],
    [
      ["-p", "1"],
      "-p is not a flag of serve: known are --port, --host, --data, --database, --allow-superuser, --replica, --pool-size, --config, --keys, --issuer, --audience, --tls-cert, --tls-key, --public-url, --cors-origin, --bus, --drain-delay, --log-level",
    ],
    ...[["nats://user:secret@"], ["nats://a", "--bus", "nats://b/other"]].map(
      (given): [string[], string] => [
        ["--bus", ...given],
        "--bus must be an address such as nats://user:password@127.0.0.1:4222/name, and several must differ in their hosts only",
      ],
    ),
    [["--bus", "nats://127.0.0.1"], "--bus needs --database URL beside it"],
    [["--drain-delay", "5s"], '--drain-delay must be a whole number from 0 to 300, not "5s"'],
    [["7200"], "7200 is not expected here: see synchro serve --help"],
    [
      ["--cors-origin", "https://app.example/"],
      '--cors-origin must be an origin such as https://app.example, without a path, not "https://app.example/": did you mean https://app.example?',
    ],
    [
      ["--cors-origin", "*"],
      '--cors-origin must be an origin such as https://app.example, without a path, not "*"',
    ],
    [
      ["--cors-origin", "null"],
      '--cors-origin must be an origin such as https://app.example, without a path, not "null"',
    ],
    [
      ["--cors-origin", "HTTPS://App.example:443"],
      '--cors-origin must be an origin such as https://app.example, without a path, not "HTTPS://App.example:443": did you mean https://app.example?',
    ],
  ])("%j", (args, line) => {
    const error = refusal(args);
    expect(error.message).toBe(line);
    expect(error.exitCode).toBe(2);
  });

  test("keys that are given twice are refused without being told", () => {
    const environment = { SYNCHRO_KEYS_JSON: "s3cret" };
    expect(refusal(["--keys", "a"], environment).message).toBe(
      "--keys and SYNCHRO_KEYS_JSON are both given: keep one",
    );
    expect(refusal([], { ...environment, SYNCHRO_KEYS: "a" }).message).toBe(
      "SYNCHRO_KEYS and SYNCHRO_KEYS_JSON are both given: keep one",
    );
  });

  test("or the variable, where that is where it came from", () => {
    expect(refusal([], { SYNCHRO_PORT: "x" }).message).toBe(
      'SYNCHRO_PORT must be a whole number from 0 to 65535, not "x"',
    );
    expect(refusal([], { SYNCHRO_CORS_ORIGIN: "https://a.example, b" }).message).toMatch(
      /^SYNCHRO_CORS_ORIGIN must be an origin .* not "b"$/,
    );
  });
});

describe("settings", () => {
  test("have defaults", () => {
    expect(readSettings([], {})).toEqual({
      port: 7100,
      host: "127.0.0.1",
      data: "./data",
      config: null,
      corsOrigins: [],
      logLevel: "warn",
      keys: null,
      tokenNames: { issuer: "synchro", audience: "synchro" },
      publicUrl: null,
      tls: null,
      bus: null,
      database: null,
      drainDelaySeconds: 0,
    });
  });

  const environment = {
    SYNCHRO_PORT: "7200",
    SYNCHRO_HOST: "::1",
    SYNCHRO_DATA: "/var/lib/synchro",
    SYNCHRO_CONFIG: "synchro.json",
    SYNCHRO_CORS_ORIGIN: "https://a.example, https://b.example:8443",
    SYNCHRO_LOG_LEVEL: "debug",
    SYNCHRO_KEYS: "keys.json",
    SYNCHRO_ISSUER: "https://login.example",
    SYNCHRO_AUDIENCE: "shops",
    SYNCHRO_PUBLIC_URL: "https://shops.example/sync/",
    SYNCHRO_TLS_CERT: "cert.pem",
    SYNCHRO_TLS_KEY: "key.pem",
    SYNCHRO_BUS: "nats://a.example, nats://b.example:4223",
    SYNCHRO_DRAIN_DELAY: "15",
  };

  test("come from the environment", () => {
    expect(readSettings([], environment)).toEqual({
      port: 7200,
      host: "::1",
      data: "/var/lib/synchro",
      config: "synchro.json",
      corsOrigins: ["https://a.example", "https://b.example:8443"],
      logLevel: "debug",
      keys: { kind: "file", path: "keys.json" },
      tokenNames: { issuer: "https://login.example", audience: "shops" },
      publicUrl: "https://shops.example/sync",
      tls: { certFile: "cert.pem", keyFile: "key.pem" },
      bus: {
        servers: ["a.example:4222", "b.example:4223"],
        user: null,
        password: null,
        isEncrypted: false,
        subject: "synchro.hints",
      },
      database: null,
      drainDelaySeconds: 15,
    });
  });

  test("flags win over variables, and an unused bad variable refuses nothing", () => {
    const args = [
      "--port=0",
      "--cors-origin",
      "https://c.example",
      "--cors-origin=https://d.example",
    ];
    const settings = readSettings(args, { ...environment, SYNCHRO_PORT: "nonsense" });
    expect(settings.port).toBe(0);
    expect(settings.corsOrigins).toEqual(["https://c.example", "https://d.example"]);
    expect(settings.host).toBe("::1");
  });

  test("keys may stand in the environment, and nowhere on the command line", () => {
    const json = '{"keys":[]}';
    expect(readSettings([], { SYNCHRO_KEYS_JSON: json }).keys).toEqual({
      kind: "text",
      text: json,
      place: "SYNCHRO_KEYS_JSON",
    });
    expect(readSettings([], { SYNCHRO_KEYS_JSON: "", SYNCHRO_KEYS: "a" }).keys).toEqual({
      kind: "file",
      path: "a",
    });
  });

  test("an empty variable is none", () => {
    expect(readSettings([], { SYNCHRO_PORT: "", SYNCHRO_CORS_ORIGIN: "" }).port).toBe(7100);
  });

  test("name a database, its replicas and how it is used; a password is in no print of them", () => {
    const { database } = readSettings([], {
      SYNCHRO_DATABASE: "postgres://app:canary%2F1@db.example/shops",
      SYNCHRO_REPLICA: "postgres://app@[::1]:5433/shops, postgres://app@/shops?host=/run/pg",
      SYNCHRO_ALLOW_SUPERUSER: "true",
      SYNCHRO_POOL_SIZE: "8",
      PGPASSWORD: "canary/2",
    });
    expect(database).toMatchObject({
      address: {
        shown: "postgres://db.example:5432/shops",
        host: "db.example",
        port: 5432,
        user: "app",
        tls: false,
      },
      replicas: [
        { host: "::1", port: 5433, shown: "postgres://[::1]:5433/shops" },
        { host: "/run/pg", port: 5432, shown: "postgres:///run/pg/shops" },
      ],
      allowsSuperuser: true,
      connectionsMax: 8,
      isPasswordSeen: false,
    });
    expect(database?.address.password()).toBe("canary/1");
    expect(database?.replicas.map(({ password }) => password())).toEqual(["canary/2", "canary/2"]);
    expect(JSON.stringify(database) + inspect(database, { depth: 9 })).not.toContain("canary");
  });

  test("of two places the one given by a flag wins over one in a variable", () => {
    const both = { SYNCHRO_DATABASE: "postgres://u@h/d", SYNCHRO_DATA: "elsewhere" };
    expect(readSettings(["--data", "here"], both)).toMatchObject({
      data: "here",
      database: null,
    });
    const other = ["--database", "postgres://u:secret@other/d"];
    expect(readSettings(other, both).database).toMatchObject({
      address: { host: "other" },
      isPasswordSeen: true,
    });
  });
});
