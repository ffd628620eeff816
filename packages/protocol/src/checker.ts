import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import type { TLocalizedValidationError } from "typebox/error";
import type { FieldError } from "./field-error.ts";
import type { MessageOf } from "./message-of.ts";
import { ruleInWords } from "./rule-in-words.ts";

export type Checked<Message> =
  | { readonly kind: "ok"; readonly message: Message }
  /** At least one; at most 8, so that hostile input is not answered at its own length. */
  | { readonly kind: "bad"; readonly errors: readonly FieldError[] };

/** Says whether a value is a message. It neither changes nor copies it; members that the schema does not name are let through. */
export type Checker<Message> = (value: unknown) => Checked<Message>;

const pointerToken = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1");

/** Where it went wrong: of a missing member the place where it should stand. */
const pathsOf = (error: TLocalizedValidationError): readonly string[] =>
  error.keyword === "required"
    ? error.params.requiredProperties.map((name) => `${error.instancePath}/${pointerToken(name)}`)
    : [error.instancePath];

/** A pointer as a name in a sentence. */
const nameOf = (path: string): string =>
  path === "" ? "the message" : path.slice(1).replaceAll("~1", "/").replaceAll("~0", "~");

/** Of a choice that nothing fits the choice is told, not each of its forms. */
const isWithinChoice = (
  error: TLocalizedValidationError,
  errors: readonly TLocalizedValidationError[],
): boolean =>
  errors.some(
    ({ keyword, schemaPath }) =>
      keyword === "anyOf" && error.schemaPath.startsWith(`${schemaPath}/anyOf/`),
  );

const fieldErrors = (errors: readonly TLocalizedValidationError[]): readonly FieldError[] => {
  const messages = new Map<string, string>();
  for (const error of errors) {
    if (isWithinChoice(error, errors)) continue;
    for (const path of pathsOf(error)) {
      if (!messages.has(path)) messages.set(path, `${nameOf(path)} ${ruleInWords(error)}`);
    }
  }
  return Array.from(messages, ([path, message]) => ({ path, message }));
};

/** A checker of messages that have this schema; compiled at its first use. */
export const createChecker = <Schema extends TSchema>(
  schema: Schema,
): Checker<MessageOf<Schema>> => {
  let compiled: ReturnType<typeof Compile> | null = null;
  return (value) => {
    compiled ??= Compile(schema);
    if (compiled.Check(value)) return { kind: "ok", message: value as MessageOf<Schema> };
    return { kind: "bad", errors: fieldErrors(compiled.Errors(value)) };
  };
};
