import { parseInstant, recordId, type SpaceId } from "@synchro/core";
import { createChecker, type V1Answer, v1AnswerSchema, type V1Record } from "@synchro/protocol";
import type { ServerOracle } from "../oracle/server-oracle.ts";
import type { ModelRecord } from "../oracle/space-model.ts";
import type { V1Device } from "./v1-device.ts";

const checkSchema = createChecker(v1AnswerSchema);

const instant = (text: string): string => parseInstant(text) ?? "no instant";

const versionText = ({ gtin, updated_at: at, expiration_date: date }: V1Record): string =>
  [gtin, instant(at), date === null ? null : instant(date)].join(" ");

const isInOrder = (a: V1Record, b: V1Record): boolean => {
  const [first, second] = [instant(a.updated_at), instant(b.updated_at)];
  return first > second || (first === second && a.gtin < b.gtin);
};

/** What an answer of `/v1` owes its request, and the space as it is when the answer leaves. */
export const faultsOfV1 = (
  server: ServerOracle,
  space: string,
  request: string,
  body: string,
): readonly string[] => {
  const json = JSON.parse(body) as unknown;
  if (checkSchema(json).kind === "bad") return ["it breaks its schema"];
  const { data } = json as V1Answer;
  const { newly_created_records: sent = [] } = JSON.parse(request) as {
    readonly newly_created_records?: readonly V1Record[];
  };
  const echoes = new Set(sent.map(versionText));
  const model = server.model(space as SpaceId);
  const lost = sent.filter(({ gtin, updated_at: at }) => {
    const id = recordId("readings" as never, gtin);
    const stored = model?.records.get(id);
    // A tombstone that had beaten it may have been purged meanwhile, or all may have been erased.
    if (stored === undefined)
      return model === undefined || (model.cutoff === null && model.floor === 0);
    return stored.stamp < instant(at);
  });
  return [
    ...data.slice(1).flatMap((record, index) => {
      const before = data[index];
      return before === undefined || isInOrder(before, record)
        ? []
        : [`[V1-6] out of order: ${record.gtin}`];
    }),
    ...data
      .filter((record) => echoes.has(versionText(record)))
      .map(({ gtin }) => `[V1-10] ${gtin} comes back as it was sent`),
    ...lost.map(({ gtin }) => `[V1-4] ${gtin} was answered, and is not there`),
  ];
};

const isHeld = (held: V1Record | undefined, { stamp, value }: ModelRecord): boolean => {
  if (held === undefined || value === null || instant(held.updated_at) !== stamp) return false;
  const { expiration_date: date } = JSON.parse(value) as { readonly expiration_date?: unknown };
  const expected = typeof date === "string" ? parseInstant(date) : null;
  return (held.expiration_date === null ? null : parseInstant(held.expiration_date)) === expected;
};

/**
 * What keeps a `/v1` device from rest. By cursor it holds every live reading; of deletes it never
 * hears. By date it misses what comes late, as the origin does: only its own edits are asked after.
 */
export const v1Restlessness = (server: ServerOracle, device: V1Device): readonly string[] => {
  const waiting = device.unsent().length;
  const reasons = [
    ...(device.isRunning() ? [] : ["it does not run"]),
    ...(waiting === 0 ? [] : [`${waiting} readings wait`]),
  ];
  const records = server.model(device.space as SpaceId)?.records ?? new Map<string, ModelRecord>();
  if (device.kind === "by_cursor" && server.declared().has("readings")) {
    for (const record of records.values()) {
      if (record.collection !== "readings" || record.value === null) continue;
      const held = device.readings().get(record.key);
      if (!isHeld(held, record)) {
        reasons.push(
          `[V1-21] ${record.key}: server ${record.stamp} ${record.value}, device ${JSON.stringify(held)}`,
        );
      }
    }
  }
  return reasons.map((reason) => `${device.name}: ${reason}`);
};
