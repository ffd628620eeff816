/** What is wrong with one field of a request or an answer. */
export type FieldError = {
  /** An RFC 6901 pointer from the message's root; of a query's parameter its name as `/limit`. */
  readonly path: string;
  /** One sentence that names the field and the rule. */
  readonly message: string;
};
