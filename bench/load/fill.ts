import { closedLoop, type Load } from "./closed-loop.ts";
import { httpRequest } from "./http-request.ts";
import {
  bulkDocsBody,
  type KeyOrder,
  numberSource,
  sampleRecord,
  syncBody,
} from "./sample-records.ts";
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

const rxdbBody = (numbers: readonly number[], keys?: KeyOrder): string =>
  JSON.stringify(
    numbers.map((number) => {
      const { key, updatedAt, value } = sampleRecord(number, keys);
      return { newDocumentState: { key, updated_at: updatedAt, ...value, _deleted: false } };
    }),
  );

/** A push of new records, as each of the servers takes it. */
export const pushRequests = {
  synchro: (numbers: readonly number[], keys?: KeyOrder, space = "default"): Buffer =>
    httpRequest("POST", syncPath(space), syncBody(numbers, keys)),
  pouchdb: (numbers: readonly number[], keys?: KeyOrder): Buffer =>
    httpRequest("POST", "/bench/_bulk_docs", bulkDocsBody(numbers, keys)),
  rxdb: (numbers: readonly number[], keys?: KeyOrder): Buffer =>
    httpRequest("POST", "/readings/0/push", rxdbBody(numbers, keys)),
};

/** Pushes that many new records to a space. */
export const fillSynchro = async (
  port: number,
  records: number,
  { space = "default", keys }: { readonly space?: string; readonly keys?: KeyOrder } = {},
): Promise<void> => {
  const next = batches(records, BATCH, (numbers) => pushRequests.synchro(numbers, keys, space));
  await closedLoop({ port, connections: 4, next });
};

export const fillPouchdb = async (
  port: number,
  records: number,
  keys?: KeyOrder,
): Promise<void> => {
  const next = batches(records, BATCH, (numbers) => pushRequests.pouchdb(numbers, keys));
  await closedLoop({ port, connections: 2, next });
};

export const fillRxdb = async (port: number, records: number, keys?: KeyOrder): Promise<void> => {
  const next = batches(records, RXDB_BATCH, (numbers) => pushRequests.rxdb(numbers, keys));
  await closedLoop({ port, connections: 1, next });
};
