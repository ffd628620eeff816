import { isDeepStrictEqual } from "node:util";

/** Where the servers of a NATS cluster are, and who one is there. */
export type NatsPlace = {
  /** `host:port`, at least one. */
  readonly servers: readonly string[];
  /** With `password` null it is a token. */
  readonly user: string | null;
  readonly password: string | null;
  readonly isEncrypted: boolean;
  /** On which hints go; of its own for each database. */
  readonly subject: string;
};

/** The part of a subject that an address may name. */
const NAME_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;

const parse = (text: string): URL | null => {
  // Read as an address of the web, whose rules for hosts and escapes are those meant.
  const url = URL.parse(text.replace(/^(?:nats|tls):\/\//, "http://"));
  if (url === null || !/^(?:nats|tls):\/\//.test(text)) return null;
  const areEscapes = !/%(?![0-9a-f]{2})/i.test(`${url.username}${url.password}`);
  return areEscapes && `${url.search}${url.hash}` === "" ? url : null;
};

/** A part of an address without its escapes; null: it is empty. @throws URIError for an escape that is none. */
const decode = (part: string): string | null => (part === "" ? null : decodeURIComponent(part));

const placeOf = (text: string, url: URL): NatsPlace | null => {
  const name = url.pathname.slice(1);
  if (name !== "" && !NAME_PATTERN.test(name)) return null;
  // A port that is the web's own is left out of `url.port`.
  const port = /:(\d+)(?:\/|$)/.exec(text.slice(text.lastIndexOf("@") + 1))?.[1] ?? "4222";
  return {
    servers: [`${url.hostname}:${port}`],
    user: decode(url.username),
    password: decode(url.password),
    isEncrypted: text.startsWith("tls:"),
    subject: `synchro.${name === "" ? "" : `${name}.`}hints`,
  };
};

/**
 * Reads addresses such as `nats://user:password@host:4222/shops` (or `tls://…`; a token stands in
 * place of the user), each of one server of the same cluster. Null where they can't be read, or
 * differ in more than their hosts.
 */
export const readNatsPlace = (addresses: readonly string[]): NatsPlace | null => {
  const places: NatsPlace[] = [];
  for (const text of addresses) {
    const url = parse(text);
    const place = url === null ? null : placeOf(text, url);
    if (place === null) return null;
    places.push(place);
  }
  const [first] = places;
  if (first === undefined) return null;
  const { servers } = first;
  const isOne = places.every((each) => isDeepStrictEqual({ ...each, servers }, first));
  return isOne ? { ...first, servers: places.flatMap((each) => each.servers) } : null;
};
