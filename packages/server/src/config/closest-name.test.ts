import { describe, expect, test } from "vitest";
import { nameHint } from "./closest-name.ts";

describe("a hint for an unknown name", () => {
  test.each([
    ["--prot", ["--port", "--host"], "did you mean --port?"],
    ["colections", ["collections", "limits"], "did you mean collections?"],
    ["SERVE", ["serve", "migrate"], "did you mean serve?"],
    ["zzz", ["serve", "migrate"], "known are serve, migrate"],
    ["", ["serve"], "known are serve"],
  ])("%s", (typed, names, hint) => {
    expect(nameHint(typed, names)).toBe(hint);
  });

  test("a very long name costs nothing and names nobody", () => {
    expect(nameHint("s".repeat(1_000_000), ["serve"])).toBe("known are serve");
  });
});
