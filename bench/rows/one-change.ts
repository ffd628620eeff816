// The pull of one change among a million records, beside the same among a thousand.
import { closedLoop, repeatFor } from "../load/closed-loop.ts";
import { fillSynchro } from "../load/fill.ts";
import { httpRequest } from "../load/http-request.ts";
import { syncBody } from "../load/sample-records.ts";
import { type Contestant, compare, interleave } from "../report/interleave.ts";
import { type Row, scaled } from "../report/row-report.ts";
import { withCpu } from "../servers/server-process.ts";
import { changesPath, standingOf, startSynchro, syncPath } from "../servers/synchro-server.ts";

const MANY = 1_000_000;
const FEW = 1_000;
const CONNECTIONS = 8;
const TURN_MS = 700;
/** A record that no filling makes. */
const NEW_NUMBER = 59_000_000;

/** A space with that many records and one that its cursor has not seen. */
const prepareSpace = async (port: number, space: string, records: number): Promise<string> => {
  await fillSynchro(port, records, { space });
  const { cursor } = await standingOf(port, space);
  const push = httpRequest("POST", syncPath(space), syncBody([NEW_NUMBER]));
  let isSent = false;
  const next = (): Buffer | null => {
    if (isSent) return null;
    isSent = true;
    return push;
  };
  await closedLoop({ port, connections: 1, next });
  return `${changesPath(space)}?cursor=${encodeURIComponent(cursor)}`;
};

export const oneChange: Row = async (options) => {
  await using server = await startSynchro();
  const { port } = server;
  const many = scaled(options, MANY, 2 * FEW);
  const turnMs = scaled(options, TURN_MS, 100);
  const pulls = (name: string, path: string): Contestant => ({
    name,
    unit: "µs a pull",
    turn: () =>
      withCpu(server.pid, async () => {
        const next = repeatFor(httpRequest("GET", path), turnMs);
        const { requests, seconds } = await closedLoop({ port, connections: CONNECTIONS, next });
        return { figure: (seconds * 1e6) / requests, operations: requests };
      }),
  });
  const amongMany = await prepareSpace(port, "many", many);
  const amongFew = await prepareSpace(port, "few", FEW);
  const found: number[] = [];
  for (const path of [amongMany, amongFew]) {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    const { changes } = (await answer.json()) as { readonly changes: readonly unknown[] };
    found.push(changes.length);
  }
  const nameOf = (records: number): string => `among ${records.toLocaleString("en")}`;
  const series = await interleave(
    [pulls(nameOf(many), amongMany), pulls(nameOf(FEW), amongFew)],
    options.rounds,
  );
  return {
    row: "pull of 1 change",
    series,
    comparisons: [compare(series, nameOf(many), nameOf(FEW), { is: "at most", value: 1.3 })],
    counted: [
      { what: "changes in a pull among many", sent: 1, found: found[0] ?? 0 },
      { what: "changes in a pull among few", sent: 1, found: found[1] ?? 0 },
    ],
    notes: [`two spaces of one server; ${CONNECTIONS} connections`],
  };
};
