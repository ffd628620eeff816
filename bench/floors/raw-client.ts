// The floor of a first sync: FOLDER PORT. Reads the lines of an NDJSON answer, parses each and keeps
// the record by its key in a map. No pages, no transaction, no digest, nothing checked, nobody told.
import { reportRun } from "../clients/report-run.ts";
import { changesPath } from "../servers/synchro-server.ts";

const [, port = ""] = process.argv.slice(2);

const records = new Map<string, object>();

const take = (line: string): void => {
  const record = JSON.parse(line) as { readonly key?: string };
  if (record.key !== undefined) records.set(record.key, record);
};

await reportRun(
  async () => {
    const response = await fetch(`http://127.0.0.1:${port}${changesPath()}?collections=readings`, {
      headers: { accept: "application/x-ndjson" },
    });
    const decoder = new TextDecoder();
    let rest = "";
    for await (const bytes of response.body ?? []) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) take(line);
    }
  },
  () => Promise.resolve(records.size),
);
