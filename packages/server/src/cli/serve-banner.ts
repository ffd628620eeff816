import { version } from "../version.ts";

type Banner = {
  readonly url: string;
  readonly data: string;
  /** Whether callers need a token; else the server is in open mode. */
  readonly hasTokens: boolean;
  /** Whether tokens come from other machines in plain text. */
  readonly isExposed: boolean;
  readonly hasColors: boolean;
};

const json = "-H 'Content-Type: application/json'";

const withToken = `-H "Authorization: Bearer $TOKEN"`;

const tokenExamples = (url: string): readonly (readonly [string, readonly string[]])[] => [
  [
    "A token for one space (with the same keys)",
    ["TOKEN=$(synchro token --space default=write --subject me --keys FILE)"],
  ],
  ["What is there", [`curl ${withToken} ${url}/v2/spaces/default/changes`]],
];

const openExamples = (url: string): readonly (readonly [string, readonly string[]])[] => [
  [
    "Send a reading, and get what is new since a date",
    [
      `curl -X POST ${url}/v1/sync/ ${json} \\`,
      `  -d '{"last_sync_date": "2021-10-10T10:40:10", "newly_created_records": [{"gtin": "test_4", "updated_at": "2021-11-12T01:11:00", "expiration_date": "2022-05-01T01:11:00"}]}'`,
    ],
  ],
  ["All readings", [`curl ${url}/v1/readings/`]],
  [
    "The same with the protocol that loses nothing",
    [
      `curl -X POST ${url}/v2/spaces/default/sync ${json} \\`,
      `  -d '{"cursor": null, "changes": [{"collection": "readings", "key": "test_5", "updated_at": "2021-11-12T01:11:00Z", "value": {"expiration_date": "2022-05-01"}}]}'`,
    ],
  ],
];

/** What `serve` says when it listens: where, on what, to whom, and lines to try it with. */
export const serveBanner = (banner: Banner): string => {
  const { url, data, hasTokens, isExposed, hasColors } = banner;
  const paint = (code: number, text: string): string =>
    hasColors ? `\u001B[${code}m${text}\u001B[0m` : text;
  const bold = (text: string): string => paint(1, text);
  const dim = (text: string): string => paint(2, text);
  const facts = [
    ["data", data],
    ["docs", `${url}/docs`],
    hasTokens
      ? ["tokens", "whom a token of the keys vouches for may do what it says, nobody else anything"]
      : [
          "open mode",
          "no tokens: anybody on this machine may read and write, nobody else is answered",
        ],
    ...(isExposed
      ? [["warning", "no TLS: tokens travel in clear, unless a proxy in front speaks it"]]
      : []),
  ];
  const examples = hasTokens ? tokenExamples(url) : openExamples(url);
  return [
    "",
    `  ${bold(`Synchro ${version}`)} listens on ${bold(url)}`,
    "",
    ...facts.map(([name = "", fact = ""]) => `  ${dim(name.padEnd(10))} ${fact}`),
    ...examples.flatMap(([title, lines]) => [
      "",
      `  ${dim(`# ${title}`)}`,
      ...lines.map((line) => `  ${line}`),
    ]),
    "",
    `  ${dim("Ctrl+C stops it.")}`,
    "",
    "",
  ].join("\n");
};
