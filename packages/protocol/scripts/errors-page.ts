import { type ProblemEntry, problems, type RejectionEntry, rejections } from "../src/error-code.ts";
import { PROBLEM_MEDIA_TYPE, problemOf } from "../src/messages/problem.ts";

const example = problemOf("bad_request", "limit must be an integer", [
  { path: "/limit", message: "limit must be an integer" },
]);

const intro = `# Errors

<!-- Made from packages/protocol/src/error-code.ts by \`npm run docs:errors\`. Edit that file, not this page. -->

A server says no in two ways. A request that it does not carry out is answered with a **problem
document**. A change that it refuses within a request that it does carry out is a **rejection**: the
answer is a 200, and the changes around it stand.

A program may depend on the codes and on HTTP's statuses; the sentences are for people and may
change. Nothing is lost by sending the same request again: applying twice is applying once.
`;

const problemIntro = `## Problem documents

The body of every answer with a status from 400 on, as RFC 9457 has it, with the media type
\`${PROBLEM_MEDIA_TYPE}\`. Where fields of the request are to blame, as with
\`bad_request\`, \`errors\` names each by its path (a JSON pointer, RFC 6901). No status says anything
about a change's durability, and none is final for it, save 413 for a change that was sent alone.

\`\`\`json
${JSON.stringify(example, null, 2)}
\`\`\`
`;

const rejectionIntro = `## Rejections

They stand in \`results\` as \`{"rejected": {"code", "message", "path"}}\`, where \`path\` is a JSON
pointer within the change. A rejected change was not applied. All codes but one are **final**: the
same change will never pass, so that a client takes it out of its outbox, keeps it where a person can
see it, and goes on.
`;

const problemSection = ([code, entry]: readonly [string, ProblemEntry]): string =>
  `### \`${code}\` (${entry.status})

**${entry.title}.** ${entry.meaning}

What to do: ${entry.remedy}
`;

const rejectionSection = ([code, entry]: readonly [string, RejectionEntry]): string =>
  `### \`${code}\` (${entry.isFinal ? "final" : "not final"})

${entry.meaning}

What to do: ${entry.remedy}
`;

const problemRow = ([code, { status, title }]: readonly [string, ProblemEntry]): string =>
  `| ${status} | [\`${code}\`](#${code}-${status}) | ${title} |`;

/** The text of `docs/errors.md`. */
export const errorsPage = (): string => {
  const table = ["| status | code | |", "| --- | --- | --- |"];
  const listed = Object.entries<ProblemEntry>(problems);
  return [
    intro,
    problemIntro,
    `${[...table, ...listed.map(problemRow)].join("\n")}\n`,
    ...listed.map(problemSection),
    rejectionIntro,
    ...Object.entries(rejections).map(rejectionSection),
  ].join("\n");
};
