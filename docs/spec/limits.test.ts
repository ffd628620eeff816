import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defaultLimits } from "@synchro/protocol";
import { expect, test } from "vitest";

test("[LIMIT-1] the page's table is the limits that the code has, with their defaults", () => {
  const text = readFileSync(join(import.meta.dirname, "limits.md"), "utf8");
  const rows = [...text.matchAll(/^\| `(\w+)` +\| +([\d,]+) +\|/gm)];
  const listed = rows.map(([, name = "", value = ""]) => [name, Number(value.replaceAll(",", ""))]);
  expect(Object.fromEntries(listed)).toEqual(defaultLimits);
});
