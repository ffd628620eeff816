import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");

const pages: readonly string[] = [
  "README.md",
  "ARCHITECTURE.md",
  "STYLE.md",
  "SECURITY.md",
  "CHANGELOG.md",
  ...globSync("docs/**/*.md", { cwd: root }).toSorted(),
];

/** Markdown without what is shown as it is: a link in there is not one. */
const withoutCode = (markdown: string): string =>
  markdown
    .replace(/^( *)(```+|~~~+)[^\n]*\n[\s\S]*?\n\1\2 *$/gm, "")
    .replace(/(`+)[^`]+\1(?!`)/g, (code) => code.replace(/[[\]]/g, ""));

/** Where the links and images of a page point, and its link definitions. */
const targetsIn = (markdown: string): readonly string[] => {
  const text = withoutCode(markdown);
  const inline = text.matchAll(/\]\(<?([^\s<>()]+)>?(?:\s+"[^"]*")?\)/g);
  const definitions = text.matchAll(/^ {0,3}\[[^\]]+\]:\s*<?([^\s<>]+)>?/gm);
  return [...inline, ...definitions].map(([, target = ""]) => target);
};

/** What a heading is called in a URL, as the common hosts of Git repositories make it. */
const slugOf = (heading: string): string =>
  heading
    .trim()
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, "")
    .replaceAll(" ", "-");

/** The names of a page's headings; a repeated one is numbered. */
const anchorsIn = (markdown: string): ReadonlySet<string> => {
  const text = markdown.replace(/^( *)(```+|~~~+)[^\n]*\n[\s\S]*?\n\1\2 *$/gm, "");
  const seen = new Map<string, number>();
  const anchors = new Set<string>();
  for (const [, heading = ""] of text.matchAll(/^#{1,6} +(.*?)(?: +#+)? *$/gm)) {
    const slug = slugOf(heading);
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    anchors.add(times === 0 ? slug : `${slug}-${times}`);
  }
  return anchors;
};

/** Why a link of a page leads nowhere; null where it leads somewhere, or out of the repository. */
const faultOf = (page: string, target: string): string | null => {
  if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(target)) return null;
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? join(root, page) : join(root, dirname(page), decodeURI(path));
  const place = relative(root, file);
  if (place.startsWith("..")) return `${target}: leads out of the repository`;
  if (!existsSync(file)) return `${target}: there is no ${place}`;
  if (anchor === undefined) return null;
  if (statSync(file).isDirectory()) return `${target}: a folder has no headings`;
  const isThere = anchorsIn(readFileSync(file, "utf8")).has(decodeURIComponent(anchor));
  return isThere ? null : `${target}: ${place} has no heading of that name`;
};

describe("what the check takes for a broken link", () => {
  test.each([
    ["a missing file", "docs/nowhere.md"],
    ["a missing heading", "ARCHITECTURE.md#no-such-room"],
    ["a missing heading of the same page", "#no-such-heading"],
    ["a heading of a folder", "docs#rooms"],
    ["a file outside the repository", "../elsewhere.md"],
  ])("%s", (_, target) => {
    expect(faultOf("README.md", target)).toContain(target);
  });

  test.each(["ARCHITECTURE.md#the-rooms", "docs/spec", "https://example.com/x#y"])(
    "and not %s",
    (target) => {
      expect(faultOf("README.md", target)).toBeNull();
    },
  );

  test("links are found in prose, in code's neighbourhood and in definitions, not in code", () => {
    const page = [
      "[a](a.md) [`b`](b.md) ![c](<c.png>)",
      "`[d](d.md)`",
      "```md",
      "[e](e.md)",
      "```",
      "[f]: f.md",
    ].join("\n");
    expect(targetsIn(page)).toEqual(["a.md", "b.md", "c.png", "f.md"]);
  });

  test("headings are named as hosts name them", () => {
    const page = "# What `/v1` can't do\n\n## Über: a_b - c\n\n## Twice\n\n## Twice\n";
    expect([...anchorsIn(page)]).toEqual(["what-v1-cant-do", "über-a_b---c", "twice", "twice-1"]);
  });
});

describe("links", () => {
  test.each(pages)("%s: each leads to a file and a heading that exist", (page) => {
    const targets = targetsIn(readFileSync(join(root, page), "utf8"));
    expect(
      targets.map((target) => faultOf(page, target)).filter((fault) => fault !== null),
    ).toEqual([]);
  });

  test("are found: the README leads to every page that a reader should know", () => {
    const targets = targetsIn(readFileSync(join(root, "README.md"), "utf8"));
    expect(targets).toEqual(
      expect.arrayContaining([
        "ARCHITECTURE.md",
        "docs/protocol/v1.md",
        "docs/protocol/v2.md",
        "docs/spec/README.md",
        "docs/errors.md",
        "docs/decisions",
        "CHANGELOG.md",
        "SECURITY.md",
        "STYLE.md",
      ]),
    );
  });
});
