import { formatStamp, parseStamp, type Stamp } from "../../stamp.ts";

/** What a version carries beside its value and its own stamp. Spec: FIELDS-1, FIELDS-2. */
export type FieldState = {
  /** From 1; odd: live, even: deleted. */
  readonly life: number;
  /** When each field was written, those that were removed included. */
  readonly stamps: ReadonlyMap<string, Stamp>;
};

/** Even, so that whoever gets there is deleted: a life beyond it is no life. */
export const LIFE_MAX = 1_000_000_000;

export const isLife = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= LIFE_MAX;

/** The members `"life":…,"stamps":{…}` of the wire, fields by name: the text that stores keep. */
export const formatFieldState = ({ life, stamps }: FieldState): string => {
  const members = [...stamps]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([field, stamp]) => `${JSON.stringify(field)}:"${formatStamp(stamp)}"`);
  return `"life":${life},"stamps":{${members.join(",")}}`;
};

type WireFieldState = {
  readonly life: unknown;
  readonly stamps: { readonly [field: string]: string };
};

/** Reads what {@link formatFieldState} wrote. @throws for any other text: it is damaged. */
export const parseFieldState = (text: string): FieldState => {
  const { life, stamps } = JSON.parse(`{${text}}`) as WireFieldState;
  if (!isLife(life)) throw new Error(`no life: ${String(life)}`);
  const read = Object.entries(stamps).map(([field, wire]): [string, Stamp] => {
    const stamp = parseStamp(wire);
    if (stamp === null) throw new Error(`no stamp: ${wire}`);
    return [field, stamp];
  });
  return { life, stamps: new Map(read) };
};
