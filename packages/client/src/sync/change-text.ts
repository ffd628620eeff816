import { formatStamp } from "@synchro/core";
import type { FrozenEntry } from "../outbox/freeze-batch.ts";
import { patchMembers } from "../outbox/patch.ts";
import { baseOf } from "../outbox/replaced.ts";
import type { Generation } from "../store/held-record.ts";

/**
 * A change as JSON text. The value goes in as it is stored: within one generation the same entry makes
 * the same bytes at each send; in a later one it has no `base`. Spec: CLIENT-2, CLIENT-8, CLIENT-19.
 */
export const changeText = (entry: FrozenEntry, generation: Generation): string => {
  const { collection, key, stamp, author, value, patch } = entry;
  const base = baseOf(entry, generation);
  const head = JSON.stringify({
    collection,
    key,
    updated_at: formatStamp(stamp),
    ...(base === null ? {} : { base }),
    ...(author === null ? {} : { author }),
    ...(patch === undefined ? {} : { life: patch.life }),
    ...(patch?.stamps === undefined ? {} : { stamps: patch.stamps }),
  });
  if (value === null) return `${head.slice(0, -1)},"deleted":true}`;
  const text = patch === undefined ? value : JSON.stringify(patchMembers(entry));
  return `${head.slice(0, -1)},"value":${text}}`;
};
