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
    [
      ["--log-level", "loud"],
      '--log-level must be one of silent, error, warn, info, debug, not "loud"',
    ],
    [["--prot", "1"], "--prot is not a flag of serve: did you mean --port?"],
    [
      ["-p", "1"],
      "-p is not a flag of serve: known are --port, --host, --data, --config, --cors-origin, --log-level",
    ],
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
    });
  });

  const environment = {
    SYNCHRO_PORT: "7200",
    SYNCHRO_HOST: "::1",
    SYNCHRO_DATA: "/var/lib/synchro",
    SYNCHRO_CONFIG: "synchro.json",
    SYNCHRO_CORS_ORIGIN: "https://a.example, https://b.example:8443",
    SYNCHRO_LOG_LEVEL: "debug",
  };

  test("come from the environment", () => {
    expect(readSettings([], environment)).toEqual({
      port: 7200,
      host: "::1",
      data: "/var/lib/synchro",
      config: "synchro.json",
      corsOrigins: ["https://a.example", "https://b.example:8443"],
      logLevel: "debug",
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

  test("an empty variable is none", () => {
    expect(readSettings([], { SYNCHRO_PORT: "", SYNCHRO_CORS_ORIGIN: "" }).port).toBe(7100);
  });
});
