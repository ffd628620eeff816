import { createChecker, type Checked } from "./checker.ts";
import type { Limits } from "./limits.ts";
import { createPullQuerySchema, type PullQuery } from "./messages/pull-query.ts";

/** Text as the value that it writes; what writes none stays as it is, for the schema to name. */
const integerOf = (text: string): unknown =>
  /^(?:0|[1-9]\d{0,15})$/.test(text) ? Number(text) : text;

const booleanOf = (text: string): unknown => {
  if (text === "true") return true;
  return text === "false" ? false : text;
};

const listOf = (text: string): unknown => text.split(",");

const asIs = (text: string): unknown => text;

const parameters: { readonly [name in keyof PullQuery]-?: (text: string) => unknown } = {
  cursor: asIs,
  ack: asIs,
  collections: listOf,
  limit: integerOf,
  wait: integerOf,
  tombstones: booleanOf,
};

const readers = Object.entries(parameters);

/** Reads a pull's query after the URL's own decoding. A parameter that is given twice (an array) is refused. */
export type ReadPullQuery = (query: { readonly [name: string]: unknown }) => Checked<PullQuery>;

/** An empty parameter counts as absent; one that has no name here is not looked at. Spec: PULL-*. */
export const createReadPullQuery = (limits: Limits): ReadPullQuery => {
  const check = createChecker(createPullQuerySchema(limits));
  return (query) => {
    const members: { [name: string]: unknown } = {};
    for (const [name, valueOf] of readers) {
      const text = Object.hasOwn(query, name) ? query[name] : undefined;
      if (text === undefined || text === "") continue;
      members[name] = typeof text === "string" ? valueOf(text) : text;
    }
    return check(members);
  };
};
