import { isStorableText, utf8Length } from "@synchro/core";
import { defaultValueLimits } from "@synchro/protocol/limits";
import { type Fault, faultAt, pathTo } from "./field.ts";

const { valueBytesMax, valueDepthMax } = defaultValueLimits;

const reservedNames: ReadonlySet<string> = new Set(["__proto__", "constructor"]);

const isPlainObject = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
};

const textRule = (text: string): string | null =>
  isStorableText(text) ? null : "must be well-formed Unicode without U+0000";

const nameFault = (name: string, path: string): Fault | null => {
  if (reservedNames.has(name)) return faultAt(path, "must not have that name");
  const rule = textRule(name);
  return rule === null ? null : faultAt(path, `is a name that ${rule}`);
};

const firstOf = <Item>(
  items: readonly Item[],
  faultOf: (item: Item, index: number) => Fault | null,
) => {
  for (const [index, item] of items.entries()) {
    const fault = faultOf(item, index);
    if (fault !== null) return fault;
  }
  return null;
};

const objectFault = (value: object, path: string, depth: number): Fault | null => {
  if (depth > valueDepthMax) return faultAt(path, `must not nest deeper than ${valueDepthMax}`);
  if (Array.isArray(value)) {
    return firstOf([...(value as readonly unknown[])], (item, index) =>
      jsonFault(item, pathTo(path, index), depth),
    );
  }
  if (!isPlainObject(value)) return faultAt(path, "must be JSON: no instance of a class");
  return firstOf(Object.entries(value), ([name, member]: [string, unknown]) => {
    const memberPath = pathTo(path, name);
    // Left out of the text, as if it were not there.
    if (member === undefined) return null;
    return nameFault(name, memberPath) ?? jsonFault(member, memberPath, depth);
  });
};

const jsonFault = (value: unknown, path: string, depth: number): Fault | null => {
  switch (typeof value) {
    case "string": {
      const rule = textRule(value);
      return rule === null ? null : faultAt(path, rule);
    }
    case "number":
      return Number.isFinite(value) ? null : faultAt(path, "must be a finite number");
    case "boolean":
      return null;
    case "object":
      return value === null ? null : objectFault(value, path, depth + 1);
    default:
      return faultAt(path, "must be JSON");
  }
};

/** The first data rule that a value breaks, wherever it is in it; null for none. Spec: DATA-10, DATA-12 to DATA-15. */
export const dataFault = (value: object): Fault | null => {
  const reserved = Object.keys(value).find((name) => name.startsWith("_") && name !== "__proto__");
  if (reserved !== undefined) return faultAt(pathTo("", reserved), "must not start with _");
  return jsonFault(value, "", 0);
};

/** What is wrong with a value's text: it may be too long. Spec: LIMIT-*. */
export const textFault = (text: string): Fault | null =>
  // A unit has at most three bytes: most texts need no counting.
  text.length * 3 > valueBytesMax && utf8Length(text) > valueBytesMax
    ? faultAt("", `must have at most ${valueBytesMax} bytes`)
    : null;
