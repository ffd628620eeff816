import { expect, test } from "vitest";
import { serveBanner } from "./serve-banner.ts";

const plain = serveBanner({ url: "http://127.0.0.1:7100", data: "/data", hasColors: false });

test("colours only decorate: without them the text is the same", () => {
  const colored = serveBanner({ url: "http://127.0.0.1:7100", data: "/data", hasColors: true });
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
