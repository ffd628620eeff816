type Given<Value> = Exclude<Value, null | undefined>;
/** What of `Kinds` a value may be; all of them where its type is not known. */
type Possible<Value, Kinds> = unknown extends Value ? Kinds : Extract<Value, Kinds>;
type Ordered<Value> = Possible<Value, string | number>;
type Text<Value> = Possible<Value, string>;

/** What must hold for one field; all that stands here must. Texts compare by code points, dates as instants. */
export type Comparison<Value> = {
  readonly eq?: Given<Value> | null;
  readonly ne?: Given<Value> | null;
  readonly in?: readonly (Given<Value> | null)[];
  /** Whether the field is there, with something else than `null`. */
  readonly exists?: boolean;
} & ([Ordered<Value>] extends [never]
  ? unknown
  : {
      /** Of the same type, and less. What is not there is neither less nor greater than anything. */
      readonly lt?: Ordered<Value>;
      readonly lte?: Ordered<Value>;
      readonly gt?: Ordered<Value>;
      readonly gte?: Ordered<Value>;
    }) &
  ([Text<Value>] extends [never]
    ? unknown
    : {
        /** Of the text as it is stored, also where it is a date. */
        readonly startsWith?: string;
      });

/** A plain value stands for `eq`. `null` also matches where the field is not there. Objects and lists are compared with `{ eq }`. */
export type Condition<Value> =
  | Possible<Value, string | number | boolean>
  | null
  | Comparison<Value>;

/** What must hold for a row: all of it. */
export type Where<Of> = { readonly [Field in keyof Of]?: Condition<Of[Field]> };
