import { describe, expect, test } from "vitest";
import { StartError } from "../config/start-error.ts";
import { isLoopback, listenAt, listenHost } from "./listen-at.ts";

const others = ["0.0.0.0", "::", "[::]", "192.168.1.1", "shops.example"];

describe("[OPEN-3] without keys", () => {
  test.each(others)("%s is refused, with what to do", (host) => {
    const listen = (): string => listenHost(host, false);
    expect(listen).toThrow(StartError);
    expect(listen).toThrow(/^--host must be loopback .*; start with --keys FILE to serve others$/);
  });
});

describe("[TOKEN-15] with keys", () => {
  test.each([
    ["0.0.0.0", "0.0.0.0"],
    ["[::]", "::"],
    ["shops.example", "shops.example"],
    ["localhost", "127.0.0.1"],
    ["[::1]", "::1"],
  ])("%s is %s", (host, address) => {
    expect(listenHost(host, true)).toBe(address);
  });

  test.each(others)("%s is reached by others, and they are told of TLS", (host) => {
    expect(isLoopback(host)).toBe(false);
  });

  test.each(["127.0.0.1", "127.8.8.8", "::1", "localhost"])("%s is not", (host) => {
    expect(isLoopback(host)).toBe(true);
  });
});

test.each([
  ["EADDRINUSE", "Port 7100 is already in use on ::1: stop the other program"],
  ["EACCES", "Port 7100 may not be opened by this user"],
  ["EADDRNOTAVAIL", "::1 is not an address of this machine"],
  ["ENOTFOUND", "::1 is not an address of this machine"],
])("%s is told in one line", async (code, line) => {
  const refuse = () => Promise.reject(Object.assign(new Error("x"), { code }));
  await expect(listenAt({ host: "::1", port: 7100 }, refuse)).rejects.toThrow(line);
});
