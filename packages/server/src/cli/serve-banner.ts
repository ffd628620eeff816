import { version } from "../version.ts";

type Banner = { readonly url: string; readonly data: string; readonly hasColors: boolean };

const json = "-H 'Content-Type: application/json'";

const examples = (url: string): readonly (readonly [string, readonly string[]])[] => [
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
export const serveBanner = ({ url, data, hasColors }: Banner): string => {
  const paint = (code: number, text: string): string =>
    hasColors ? `\u001B[${code}m${text}\u001B[0m` : text;
  const bold = (text: string): string => paint(1, text);
  const dim = (text: string): string => paint(2, text);
  const facts = [
    ["data", data],
    ["docs", `${url}/docs`],
    ["open mode", "no tokens: anybody on this machine may read and write, nobody else is answered"],
  ] as const;
  return [
    "",
    `  ${bold(`Synchro ${version}`)} listens on ${bold(url)}`,
    "",
    ...facts.map(([name, fact]) => `  ${dim(name.padEnd(10))} ${fact}`),
    ...examples(url).flatMap(([title, lines]) => [
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
