import { expect, test } from "vitest";
import { serveBanner } from "./serve-banner.ts";

const open = {
  url: "http://127.0.0.1:7100",
  data: "/data",
  hasTokens: false,
  isExposed: false,
  hasColors: false,
};
const plain = serveBanner(open);

test("colours only decorate: without them the text is the same", () => {
  const colored = serveBanner({ ...open, hasColors: true });
  expect(colored).toContain("\u001B[1m");
  // eslint-disable-next-line no-control-regex
  expect(colored.replaceAll(/\u001B\[\d+m/g, "")).toBe(plain);
});

test("its facts stand under each other", () => {
  const columns = plain
    .split("\n")
    .filter((line) => /^ {2}(?:data|docs|open mode) /.test(line))
    .map((line) => /^ {2}\S+(?: \S+)? +/.exec(line)?.[0].length);
  expect(new Set(columns).size).toBeLessThanOrEqual(2);
});

test("[OPEN-2] it says that the server is in open mode, and what that means", () => {
  expect(plain).toMatch(/open mode +no tokens: anybody on this machine may read and write/);
});

test("with keys it says that tokens are needed, and not that it is open", () => {
  const text = serveBanner({ ...open, hasTokens: true });
  expect(text).toMatch(/tokens +whom a token of the keys vouches for/);
  expect(text).not.toContain("open mode");
  expect(text).not.toContain("warning");
  expect(text).toContain("Authorization: Bearer $TOKEN");
});

test("[TOKEN-15] it warns where tokens travel in clear", () => {
  const text = serveBanner({ ...open, hasTokens: true, isExposed: true });
  expect(text).toMatch(/warning +no TLS: tokens travel in clear/);
});
