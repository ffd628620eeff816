import type { JsonObject } from "@synchro/core";

/** One thing that is wrong with a value: where, as an RFC 6901 pointer within it, and one sentence that names the field and the rule. */
export type Fault = { readonly path: string; readonly message: string };

declare const fieldValue: unique symbol;

/** A declared member of a value: what it may hold, for the compiler, the device and the server alike. */
export interface Field<Value, IsOptional extends boolean = boolean> {
  /** For the compiler alone. */
  readonly [fieldValue]?: Value;
  readonly isOptional: IsOptional;
  /** JSON Schema (draft 2020-12) of what it may hold. */
  readonly schema: JsonObject;
  /** What is wrong with a value that stands at `path`; nothing if it is empty. */
  readonly check: (value: unknown, path: string) => readonly Fault[];
  /** The same, and it may be left out. */
  readonly optional: () => Field<Value, true>;
}

export type Fields = { readonly [name: string]: Field<unknown> };

export type ValueOf<Declared> = Declared extends Field<infer Value> ? Value : never;

type OptionalName<Declared extends Fields> = {
  [Name in keyof Declared]: Declared[Name] extends Field<unknown, true> ? Name : never;
}[keyof Declared];

/** The value that fields declare. Members that are not declared may be there too, and survive. */
export type ValueOfFields<Declared extends Fields> = {
  [Name in Exclude<keyof Declared, OptionalName<Declared>>]: ValueOf<Declared[Name]>;
} & {
  [Name in OptionalName<Declared>]?: ValueOf<Declared[Name]>;
} extends infer Whole
  ? { [Name in keyof Whole]: Whole[Name] }
  : never;

/** A step of an RFC 6901 pointer. */
export const pathTo = (path: string, name: string | number): string =>
  `${path}/${String(name).replaceAll("~", "~0").replaceAll("/", "~1")}`;

/** A path as a message names it: `/lines/0/gtin` is `lines/0/gtin`, and the value itself is `value`. */
const nameOf = (path: string): string =>
  path === "" ? "value" : path.slice(1).replaceAll("~1", "/").replaceAll("~0", "~");

export const faultAt = (path: string, rule: string): Fault => ({
  path,
  message: `${nameOf(path)} ${rule}`,
});

/** A field that may not be left out. `ruleOf`: the rule that a value breaks, in words to come after the name; null for none. */
export const createField = <Value>(
  schema: JsonObject,
  ruleOf: (value: unknown) => string | null,
): Field<Value, false> =>
  createDeepField(schema, (value, path) => {
    const rule = ruleOf(value);
    return rule === null ? [] : [faultAt(path, rule)];
  });

/** The same for what holds others. */
export const createDeepField = <Value>(
  schema: JsonObject,
  check: Field<Value>["check"],
): Field<Value, false> => {
  const optional: Field<Value, true> = {
    isOptional: true,
    schema,
    check,
    optional: () => optional,
  };
  return { isOptional: false, schema, check, optional: () => optional };
};
