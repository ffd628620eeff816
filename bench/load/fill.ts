import { closedLoop, type Load } from "./closed-loop.ts";
import { httpRequest } from "./http-request.ts";
import { bulkDocsBody, numberSource, sampleRecord, syncBody } from "./sample-records.ts";
import { syncPath } from "../servers/synchro-server.ts";

const BATCH = 500;
/** What rxdb-server takes in a request: 100 kB. */
const RXDB_BATCH = 200;

/** Bodies of new records, made as they are sent: a million at once would not fit. */
const batches = (
  records: number,
  batch: number,
  requestOf: (numbers: readonly number[]) => Buffer,
): Load["next"] => {
  const take = numberSource();
  let left = records;
  return () => {
    if (left <= 0) return null;
    const count = Math.min(batch, left);
    left -= count;
    return requestOf(take(count));
  };
};

/** Pushes that many new records to a space. */
export const fillSynchro = async (
  port: number,
  records: number,
  space = "default",
): Promise<void> => {
  const next = batches(records, BATCH, (numbers) =>
    httpRequest("POST", syncPath(space), syncBody(numbers)),
  );
  await closedLoop({ port, connections: 4, next });
};

export const fillPouchdb = async (port: number, records: number): Promise<void> => {
  const next = batches(records, BATCH, (numbers) =>
    httpRequest("POST", "/bench/_bulk_docs", bulkDocsBody(numbers)),
  );
  await closedLoop({ port, connections: 2, next });
};

const rxdbBody = (numbers: readonly number[]): string =>
  JSON.stringify(
    numbers.map((number) => {
      const { key, updatedAt, value } = sampleRecord(number);
      return { newDocumentState: { key, updated_at: updatedAt, ...value, _deleted: false } };
    }),
  );

export const fillRxdb = async (port: number, records: number): Promise<void> => {
  const next = batches(records, RXDB_BATCH, (numbers) =>
    httpRequest("POST", "/readings/0/push", rxdbBody(numbers)),
  );
  await closedLoop({ port, connections: 1, next });
};
