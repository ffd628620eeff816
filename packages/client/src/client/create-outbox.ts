import type { CollectionName, JsonObject } from "@synchro/core";
import { checkValue } from "../collection/read-value.ts";
import type { Collection } from "../collection/collection.ts";
import { discardChange } from "../outbox/discard-change.ts";
import { readUnsentWork } from "../outbox/read-unsent-work.ts";
import { retryDeadLetter } from "../outbox/retry-dead-letter.ts";
import type { ClientRuntime } from "../runtime/client-runtime.ts";
import type { ClientCore } from "./client-core.ts";
import { InvalidValueError } from "./client-error.ts";
import { type Wish, withLastingMembers, writeRecord } from "./write-record.ts";
import { type Outbox, type OutboxItem, rejectedItem, waitingItem } from "./outbox-handle.ts";

const list = async (core: ClientCore): Promise<readonly OutboxItem[]> => {
  const store = await core.opened();
  const { entries, deadLetters } = await store.read(readUnsentWork);
  return [...deadLetters.map(rejectedItem), ...entries.map(waitingItem)];
};

const exportLine = ({ collection, key, value, editedAt, author, state, rejection }: OutboxItem) =>
  `${JSON.stringify({
    collection,
    key,
    updated_at: editedAt,
    ...(value === null ? { deleted: true } : { value }),
    ...(author === null ? {} : { author }),
    state,
    ...(rejection === null ? {} : { rejection }),
  })}\n`;

const declarationOf = (collections: readonly Collection[], item: OutboxItem): Collection => {
  const declared = collections.find(({ name }) => name === item.collection);
  if (declared !== undefined) return declared;
  throw new TypeError(`${item.collection} is not declared here: retry it as it is, or discard it`);
};

const checkedText = (
  declared: Collection,
  item: OutboxItem,
  value: JsonObject | null,
): string | null => {
  if (value === null) return null;
  const { keyField } = declared;
  const whole = keyField === null ? value : { [keyField]: item.key, ...value };
  const checked = checkValue(declared, whole, item.key);
  if (checked.kind === "valid") return checked.text;
  throw new InvalidValueError(declared.name, checked.faults);
};

export const createOutbox = (deps: {
  readonly core: ClientCore;
  readonly runtime: ClientRuntime;
  readonly collections: readonly Collection[];
  readonly author: () => string | null;
}): Outbox => {
  const { core, runtime, collections } = deps;
  /** What was refused goes out of the dead letters in the transaction that makes a new edit of it. */
  const resend = async (item: OutboxItem, value: JsonObject | null | undefined): Promise<void> => {
    const { id, key } = item;
    const editedAt = runtime.now();
    const editedAnew = (wanted: JsonObject | null): Wish => {
      const declared = declarationOf(collections, item);
      const text = checkedText(declared, item, wanted);
      const edit = (shown: string | null): string | null =>
        text === null ? null : withLastingMembers(declared, text, shown);
      return { declared, key, edit, author: deps.author(), editedAt };
    };
    const wish = value === undefined ? null : editedAnew(value);
    await core.write(
      async (transaction) => {
        if (wish === null) return retryDeadLetter(transaction, id, { editedAt });
        await transaction.deleteDeadLetters([id]);
        return writeRecord(transaction, wish);
      },
      () => [{ collection: item.collection as CollectionName, key }],
    );
  };
  return {
    list: () => list(core),
    retry: async (id, value) => {
      const item = (await list(core)).find((one) => one.id === id);
      if (item === undefined) return "not_found";
      if (item.state !== "rejected") {
        core.wake();
        return "retried";
      }
      await resend(item, value);
      return "retried";
    },
    discard: async (id) => {
      const outcome = await core.write(
        (transaction) => discardChange(transaction, id),
        (made) =>
          made.kind === "discarded"
            ? [{ collection: made.entry.collection, key: made.entry.key }]
            : [],
      );
      if (outcome.kind === "discarded") {
        const { collection, key } = outcome.entry;
        core.tell({ id, kind: "discarded" }, { collection, key });
      }
      return outcome.kind;
    },
    export: async () => (await list(core)).map(exportLine).join(""),
  };
};
