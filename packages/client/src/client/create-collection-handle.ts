import { recordKeyProblem } from "@synchro/core";
import type { Collection } from "../collection/collection.ts";
import { faultAt, pathTo } from "../collection/field.ts";
import { checkValue, readRow } from "../collection/read-value.ts";
import { createRowQuery } from "../query/row-query.ts";
import type { ClientRuntime } from "../runtime/client-runtime.ts";
import type { ClientCore } from "./client-core.ts";
import { InvalidValueError } from "./client-error.ts";
import type { CollectionHandle, Write } from "./collection-handle.ts";
import type { CollectionSource } from "./collection-source.ts";
import { type Wish, withLastingMembers, writeRecord } from "./write-record.ts";

export type HandleDeps<Declared extends Collection> = {
  readonly core: ClientCore;
  readonly runtime: ClientRuntime;
  readonly declared: Declared;
  readonly source: CollectionSource<Declared>;
  /** Who edits now; null: the token's subject. */
  readonly author: () => string | null;
};

const KEY_BYTES = 15;
const KEY_LETTERS = "0123456789abcdefghijklmnopqrstuv";

/** A key that nobody else draws: 120 random bits, in letters that may stand anywhere. */
const drawKey = (runtime: ClientRuntime): string =>
  Array.from(runtime.randomBytes(KEY_BYTES * 2), (byte) => KEY_LETTERS[byte & 31])
    .join("")
    .slice(0, 24);

/** A promise that may reject with nobody listening: the status tells of it as well. */
const quiet = <Value>(promise: Promise<Value>): Promise<Value> => {
  promise.catch(() => {});
  return promise;
};

const assertKey = (declared: Collection, key: unknown): string => {
  const problem = typeof key === "string" ? recordKeyProblem(key) : "must be a string";
  if (problem === null) return key as string;
  throw new InvalidValueError(declared.name, [{ path: "", message: `the key ${problem}` }]);
};

const write = <Declared extends Collection>(
  { core, declared, runtime, author }: HandleDeps<Declared>,
  key: string,
  edit: Wish["edit"],
): Write => {
  // The moment and the author of the edit are those of the call, however long the store takes.
  const wish = { declared, key, edit, author: author(), editedAt: runtime.now() };
  const name = { collection: declared.name, key };
  const written = core.write(
    (transaction) => writeRecord(transaction, wish),
    () => [name],
  );
  const settled = written.then(({ id }) => core.writes.wait(id));
  return { local: quiet(written.then(({ id }) => id)), synced: quiet(settled) };
};

/** What is there with some members changed; those that are undefined are removed. */
const updated = (
  declared: Collection,
  key: string,
  shown: string | null,
  changes: object,
): string => {
  if (shown === null) {
    throw new InvalidValueError(declared.name, [faultAt("", "is not there to be updated")]);
  }
  for (const [name, change] of Object.entries(changes)) {
    const joined = Object.hasOwn(declared.functions, name) ? declared.functions[name] : undefined;
    if (change === undefined && joined !== undefined) {
      const fault = faultAt(pathTo("", name), `can't be removed, for it is merged by ${joined}`);
      throw new InvalidValueError(declared.name, [fault]);
    }
  }
  const members = Object.entries({ ...readRow(declared, key, shown), ...changes });
  const value = Object.fromEntries(members.filter(([, member]) => member !== undefined));
  const checked = checkValue(declared, value, key);
  if (checked.kind === "invalid") throw new InvalidValueError(declared.name, checked.faults);
  return checked.text;
};

export const createCollectionHandle = <Declared extends Collection>(
  deps: HandleDeps<Declared>,
): CollectionHandle<Declared> => {
  const { declared, source, runtime } = deps;
  const query = createRowQuery(source, { where: [], orderBy: [], limit: null });
  return {
    ...query,
    put: (value, options) => {
      const drawn = declared.keyField === null ? drawKey(runtime) : null;
      const checked = checkValue(declared, value, options?.key ?? drawn);
      if (checked.kind === "invalid") throw new InvalidValueError(declared.name, checked.faults);
      const { text } = checked;
      return write(deps, checked.key, (shown) => withLastingMembers(declared, text, shown));
    },
    update: (key, changes) =>
      write(deps, assertKey(declared, key), (shown) => updated(declared, key, shown, changes)),
    delete: (key) => write(deps, assertKey(declared, key), () => null),
    find: (key) => source.get(assertKey(declared, key)),
  };
};
