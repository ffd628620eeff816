import { formatStamp } from "@synchro/core";
import type { FrozenEntry } from "../outbox/freeze-batch.ts";
import { baseOf } from "../outbox/replaced.ts";
import type { Generation } from "../store/held-record.ts";

/**
 * A change as JSON text. The value goes in as it is stored: within one generation the same entry makes
 * the same bytes at each send; in a later one it has no `base`. Spec: CLIENT-2, CLIENT-8, CLIENT-19.
 */
export const changeText = (entry: FrozenEntry, generation: Generation): string => {
  const { collection, key, stamp, author, value } = entry;
  const base = baseOf(entry, generation);
  const head = JSON.stringify({
    collection,
    key,
    updated_at: formatStamp(stamp),
    ...(base === null ? {} : { base }),
    ...(author === null ? {} : { author }),
  });
  return `${head.slice(0, -1)},${value === null ? '"deleted":true' : `"value":${value}`}}`;
};
