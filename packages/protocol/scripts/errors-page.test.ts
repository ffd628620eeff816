import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { problems, rejections } from "../src/error-code.ts";
import { errorsPage } from "./errors-page.ts";

const page = join(import.meta.dirname, "../../../docs/errors.md");

test("docs/errors.md is what the catalogue makes: else `npm run docs:errors`", () => {
  // A checkout may have turned the line ends.
  const written = readFileSync(page, "utf8").replaceAll("\r\n", "\n");
  expect(written).toBe(errorsPage());
});

test("every code has a section, and every link of the table leads to one", () => {
  const text = errorsPage();
  const headings = Array.from(text.matchAll(/^### `(\w+)` \((.+)\)$/gm), ([, code]) => code);
  expect(headings).toEqual([...Object.keys(problems), ...Object.keys(rejections)]);
  // GitHub's anchors: lower case, punctuation dropped, spaces to hyphens.
  const anchors = Array.from(text.matchAll(/^### (.+)$/gm), ([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  );
  const links = Array.from(text.matchAll(/\]\(#([^)]+)\)/g), ([, anchor]) => anchor);
  expect(links).toHaveLength(Object.keys(problems).length);
  expect(anchors).toEqual(expect.arrayContaining(links));
});
