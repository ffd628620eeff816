import { type JsonObject, recordKeyProblem } from "@synchro/core";
import { checkDeclared, type Collection, type RowOf } from "./collection.ts";
import { dataFault, textFault } from "./data-rules.ts";
import { type Fault, faultAt, pathTo } from "./field.ts";

/** A value that may be kept and sent, as JSON text, or what is wrong with it. */
export type CheckedValue =
  | { readonly kind: "valid"; readonly key: string; readonly text: string }
  | { readonly kind: "invalid"; readonly faults: readonly Fault[] };

const invalid = (...faults: readonly Fault[]): CheckedValue => ({ kind: "invalid", faults });

const checkKey = (declared: Collection, value: object, key: string | null): string | Fault => {
  const { keyField } = declared;
  const path = keyField === null ? "" : pathTo("", keyField);
  const repeated: unknown =
    keyField !== null && Object.hasOwn(value, keyField)
      ? (value as JsonObject)[keyField]
      : undefined;
  const found = key ?? repeated;
  if (typeof found !== "string") return faultAt(path, "needs a key, which is a string");
  if (repeated !== undefined && repeated !== found) {
    return faultAt(path, `must equal the record's key, ${JSON.stringify(found)}`);
  }
  const problem = recordKeyProblem(found);
  return problem === null ? found : { path, message: `the key ${problem}` };
};

/**
 * Checks what an app wants to put: the data rules, the declaration, and the key, which stands beside
 * the value where no member is declared as one. Members that are not declared are kept.
 */
export const checkValue = (
  declared: Collection,
  value: unknown,
  key: string | null = null,
): CheckedValue => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return invalid(faultAt("", "must be an object"));
  }
  const broken = dataFault(value);
  if (broken !== null) return invalid(broken);
  const faults = checkDeclared(declared, value);
  if (faults.length > 0) return invalid(...faults);
  const found = checkKey(declared, value, key);
  if (typeof found !== "string") return invalid(found);
  const text = JSON.stringify(value);
  const long = textFault(text);
  return long === null ? { kind: "valid", key: found, text } : invalid(long);
};

/**
 * A value as the app sees it, unknown members included. The key is put in where other writers left it
 * out. What came from elsewhere is not checked: the server has done it, by its own declaration.
 */
export const readRow = <Declared extends Collection>(
  declared: Declared,
  key: string,
  text: string,
): RowOf<Declared> => {
  const value = JSON.parse(text) as JsonObject;
  const { keyField } = declared;
  const whole =
    keyField === null || Object.hasOwn(value, keyField) ? value : { ...value, [keyField]: key };
  return whole as RowOf<Declared>;
};
