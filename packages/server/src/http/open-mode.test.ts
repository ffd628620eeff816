import type { IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import { openModeAddress, openModeRefusal } from "./open-mode.ts";

const request = (rawHeaders: readonly string[], url = "/v1/sync/") =>
  ({ rawHeaders, url }) as unknown as IncomingMessage;

describe("[OPEN-4] a host other than this machine is refused", () => {
  test.each([
    [[]],
    [["Host", ""]],
    [["Host", "shop.example"]],
    [["Host", "localhost.evil.example"]],
    [["Host", "evil.example:7100"]],
    [["Host", "127.0.0.1.evil.example"]],
    [["Host", "127.0.0.2"]],
    [["Host", "0.0.0.0:7100"]],
    [["Host", "::1"]],
    [["Host", "localhost:"]],
    [["Host", "localhost:7100:1"]],
    [["Host", "user@localhost"]],
    [["Host", "localhost\t"]],
    [["Host", "localhost", "Host", "evil.example"]],
    [["Host", "localhost", "host", "localhost"]],
  ])("%j", (headers) => {
    expect(openModeRefusal(request(headers))?.code).toBe("host_not_allowed");
  });

  test.each([
    "http://evil.example/v1/sync/",
    "http://localhost@evil.example/",
    "evil.example:7100",
    "",
  ])("a target in absolute form: %s", (target) => {
    const refusal = openModeRefusal(request(["Host", "localhost"], target));
    expect(refusal?.code).toBe("host_not_allowed");
  });

  test.each([
    ["localhost"],
    ["LOCALHOST:7100"],
    ["127.0.0.1:1"],
    ["127.0.0.1"],
    ["[::1]"],
    ["[::1]:65535"],
  ])("%s is this machine", (host) => {
    expect(openModeRefusal(request(["Host", host]))).toBeNull();
    expect(openModeRefusal(request(["Host", host], `http://${host}/v1/`))).toBeNull();
    expect(openModeRefusal(request(["Host", host], "*"))).toBeNull();
  });
});

describe("[OPEN-5] what a proxy adds is refused", () => {
  test.each([
    "Forwarded",
    "X-Forwarded-For",
    "x-forwarded-host",
    "X-FORWARDED-ANYTHING",
    "X-Real-IP",
  ])("%s", (name) => {
    const refusal = openModeRefusal(request(["Host", "localhost", name, "127.0.0.1"]));
    expect(refusal?.code).toBe("forwarded_refused");
    expect(refusal?.detail).toContain(name.toLowerCase());
  });
});

describe("[OPEN-3] an address other than loopback is never bound", () => {
  test.each([
    "0.0.0.0",
    "::",
    "192.168.1.10",
    "128.0.0.1",
    "126.255.255.255",
    "example.com",
    "",
    "127.1",
    "::ffff:192.168.1.1",
    "fe80::1",
    "localhost.example",
    "[::1",
    "2130706433",
  ])("%s", (host) => {
    expect(openModeAddress(host)).toBeNull();
  });

  test.each([
    ["localhost", "127.0.0.1"],
    ["LocalHost", "127.0.0.1"],
    ["127.0.0.1", "127.0.0.1"],
    ["127.255.255.254", "127.255.255.254"],
    ["::1", "::1"],
    ["[::1]", "::1"],
  ])("%s is one", (host, address) => {
    expect(openModeAddress(host)).toBe(address);
  });
});
