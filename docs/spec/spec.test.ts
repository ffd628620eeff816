import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseSync, Visitor } from "vite";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

/** Rules that no test of this repository can break, by the reason. */
const untested: { readonly [reason: string]: readonly string[] } = {
  "it defines a word that other rules use": [
    "WORD-1",
    "WORD-2",
    "WORD-4",
    "WORD-5",
    "WORD-6",
    "WORD-7",
    "WORD-10",
    "WORD-11",
    "WORD-12",
    "WORD-13",
  ],
  "it binds those who write an app over the client": ["CLIENT-10", "CLIENT-11"],
};

type Rule = { readonly id: string; readonly prefix: string; readonly number: number };
type Page = { readonly file: string; readonly text: string; readonly rules: readonly Rule[] };

const readText = (path: string): string => readFileSync(join(root, path), "utf8");

const pages: readonly Page[] = globSync("docs/spec/*.md", { cwd: root })
  .toSorted()
  .map((path) => {
    const text = readText(path);
    const rules = [...text.matchAll(/^###+ (.*)$/gm)].map(([, heading = ""]) => {
      const [, prefix = "", number = ""] = /^([A-Z][A-Z0-9]*)-([1-9]\d*)$/.exec(heading) ?? [];
      return { id: heading, prefix, number: Number(number) };
    });
    return { file: basename(path), text, rules };
  });
const rules = pages.flatMap((page) => page.rules);
const ids = new Set(rules.map((rule) => rule.id));
const prefixes = new Set(rules.map((rule) => rule.prefix));

/** What may cite a rule, the numbers of this very file aside. */
const sources = globSync("{*.md,{packages,sim,bench,docs,fixtures}/**/*.{ts,mjs,md,json}}", {
  cwd: root,
  exclude: ["**/node_modules/**", "**/dist/**", "**/data/**"],
})
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => path !== "docs/spec/spec.test.ts");

const citation = /\[([A-Z][A-Z0-9]*-\d+)\]/g;
const citedIn = (text: string): string[] => [...text.matchAll(citation)].map(([, id = ""]) => id);

/** Every text that a test file writes out: a title, or the row of a table of titles. */
const textsOf = (path: string, source: string): string[] => {
  const parsed = parseSync(path, source);
  if (parsed.errors.length > 0) throw new Error(`${path}: ${parsed.errors[0]?.message}`);
  const texts: string[] = [];
  new Visitor({
    Literal: (node) => {
      if (typeof node.value === "string") texts.push(node.value);
    },
    TemplateElement: (node) => {
      texts.push(node.value.cooked ?? "");
    },
  }).visit(parsed.program);
  return texts;
};

const titlesOf = (path: string): readonly string[] => {
  if (/\.(test|contract)\.ts$/.test(path)) return textsOf(path, readText(path));
  if (!/^fixtures\/.*\.json$/.test(path)) return [];
  return [...readText(path).matchAll(/"title": "((?:[^"\\]|\\.)*)"/g)].map(
    ([, title = ""]) => title,
  );
};

const titles = sources.flatMap((path) =>
  titlesOf(path)
    .filter((title) => title.includes("["))
    .map((title) => ({ path, title })),
);
const cited = new Set(titles.flatMap(({ title }) => citedIn(title)));

describe("the rules", () => {
  test("stand under headings of one form, and each says something", () => {
    for (const { file, text, rules: ofPage } of pages) {
      for (const { id, prefix } of ofPage)
        expect(`${file}: ${id}`).toBe(`${file}: ${prefix && id}`);
      expect(`${file}: ${/^### .*\n+(?=#|$(?![\s\S]))/m.exec(text)?.[0] ?? "none is empty"}`).toBe(
        `${file}: none is empty`,
      );
    }
    expect(rules.length).toBeGreaterThan(150);
  });

  test("are numbered from 1 without a gap, each prefix in one file", () => {
    for (const prefix of prefixes) {
      const files = pages.filter((page) => page.rules.some((rule) => rule.prefix === prefix));
      const numbers = files.flatMap((page) => page.rules).filter((rule) => rule.prefix === prefix);
      expect(numbers.map((rule) => rule.id)).toEqual(
        numbers.map((_, index) => `${prefix}-${index + 1}`),
      );
      expect(files.map((page) => page.file)).toHaveLength(1);
    }
  });

  test("are listed by file and prefix in the table of contents", () => {
    const contents = pages.find((page) => page.file === "README.md")?.text ?? "";
    const listed = [...contents.matchAll(/^\| \[(\S+)\]\(\1\) +\| ([A-Z0-9, ]*[A-Z0-9]) +\|/gm)];
    expect(
      listed
        .map(([, file, names = ""]) => [file, names.split(", ")])
        .toSorted(([a = ""], [b = ""]) => (a < b ? -1 : 1)),
    ).toEqual(
      pages
        .filter((page) => page.rules.length > 0)
        .map((page) => [page.file, [...new Set(page.rules.map((rule) => rule.prefix))]]),
    );
  });
});

describe("citations", () => {
  test("of rules name rules that exist, in titles, comments and pages alike", () => {
    const known = new RegExp(String.raw`\b(?:${[...prefixes].join("|")})-(?:\d+|\*)`, "g");
    const missing = sources.flatMap((path) =>
      [...readText(path).matchAll(known)]
        .map(([id]) => id)
        .filter((id) => !id.endsWith("*") && !ids.has(id))
        .map((id) => `${path}: ${id}`),
    );
    expect(missing).toEqual([]);
  });

  test("in brackets name rules that exist, whatever their prefix", () => {
    const missing = titles.flatMap(({ path, title }) =>
      citedIn(title)
        .filter((id) => !ids.has(id))
        .map((id) => `${path}: ${id}`),
    );
    expect(missing).toEqual([]);
  });

  test("of whole themes (PULL-*) name themes that exist", () => {
    const missing = sources.flatMap((path) =>
      [...readText(path).matchAll(/\b([A-Z][A-Z0-9]+)-\*/g)]
        .filter(([, prefix = ""]) => !prefixes.has(prefix))
        .map(([theme]) => `${path}: ${theme}`),
    );
    expect(missing).toEqual([]);
  });

  test("are found in titles, in their tables and in fixtures, and nowhere else", () => {
    const source = `
      // [PULL-1] is no title
      test("[PULL-2] a", () => {});
      test.each([["[PULL-3] b"]])("%s", () => {});
      describe(\`[PULL-4] \${c}\`, () => {});
    `;
    const found = textsOf("a.test.ts", source).flatMap(citedIn);
    expect(found).toEqual(["PULL-2", "PULL-3", "PULL-4"]);
    expect(titles.some(({ path }) => path.startsWith("fixtures/merge/"))).toBe(true);
    expect(titles.some(({ path }) => path.startsWith("packages/core/"))).toBe(true);
  });
});

describe("every rule has a test", () => {
  const excused = new Set(Object.values(untested).flat());

  test("that cites it, but for those excused above", () => {
    expect([...ids].filter((id) => !cited.has(id) && !excused.has(id))).toEqual([]);
  });

  test("and no rule is excused that has one, or does not exist", () => {
    expect([...excused].filter((id) => cited.has(id) || !ids.has(id))).toEqual([]);
    expect(excused.size).toBe(Object.values(untested).flat().length);
  });

  test("and none is excused for good but words and what binds clients", () => {
    const themes = Object.values(untested)
      .flat()
      .map((id) => id.split("-")[0]);
    expect(themes.filter((theme) => theme !== "WORD" && theme !== "CLIENT")).toEqual([]);
  });
});
