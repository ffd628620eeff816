import { isSpaceId, type CollectionName } from "@synchro/core";
import type { Collection } from "../collection/collection.ts";
import type { ClientRuntime } from "../runtime/client-runtime.ts";
import { webRuntime } from "../runtime/web-runtime.ts";
import { createTransport } from "../transport/create-transport.ts";
import type { SocketMaker } from "../transport/open-socket.ts";
import type { GetToken, Transport } from "../transport/transport.ts";
import { ClientCore, type OpenStore } from "./client-core.ts";
import { clientPlatform, listenToPage } from "./client-platform.ts";
import { UnsentWorkError } from "./client-error.ts";
import type { CollectionHandle } from "./collection-handle.ts";
import { CollectionSource } from "./collection-source.ts";
import { createCollectionHandle } from "./create-collection-handle.ts";
import { createOutbox } from "./create-outbox.ts";
import type { Observable } from "./observable.ts";
import type { Outbox } from "./outbox-handle.ts";
import type { Status } from "./status.ts";

/** Collections by the names under which the client has them. */
export type Collections = { readonly [name: string]: Collection };

export type ClientOptions<Declared extends Collections> = {
  /** Where the server is; in a browser also a path of the page's own origin. */
  readonly url: string;
  readonly space: string;
  readonly collections: Declared;
  /** A token, or what gives one: asked with `renew` after a refusal. Absent: a server in open mode. */
  readonly token?: string | GetToken;
  /** Who edits on this device, where it is not the token's subject; `setAuthor` changes it. */
  readonly author?: string | null;
  /** Which of several users of this origin the data are of: each gets a store of its own. */
  readonly user?: string;
  /** Where the data are kept. Absent: IndexedDB; where there is none it must be said. */
  readonly openStore?: OpenStore;
  readonly appVersion?: string;
  /** Absent: the platform's. */
  readonly fetch?: typeof globalThis.fetch;
  /** What live changes come over; null: `fetch` too. Absent: the platform's, unless there is a `fetch`. */
  readonly webSocket?: SocketMaker | null;
  readonly runtime?: ClientRuntime;
  /** Absent: over HTTP, and a WebSocket, to `url`. */
  readonly transport?: Transport;
  /** Hears what a listener of the app threw. Absent: it goes to `reportError`, or the console. */
  readonly onError?: (error: unknown) => void;
};

/** What a client offers beside its collections. */
export type ClientTools = {
  /** All that a user should be able to see about their data. */
  readonly status: Observable<Status>;
  readonly outbox: Outbox;
  /** Edits are theirs from now on; those made before stay their makers'. */
  setAuthor(author: string | null): void;
  /** Tries now what waits: a token was renewed, the network is back, a person asked. */
  sync(): void;
  /** Stops. What waits in the outbox stays there. */
  close(): Promise<void>;
  /**
   * Removes everything from this device.
   *
   * @throws UnsentWorkError, having done nothing, if there is work that no server has, unless forced.
   */
  destroy(options?: { readonly force?: boolean }): Promise<void>;
  /** The same, at the end of a person's work on a shared device. */
  logout(options?: { readonly force?: boolean }): Promise<void>;
};

export type Client<Declared extends Collections> = ClientTools & {
  readonly [Name in keyof Declared]: CollectionHandle<Declared[Name]>;
};

const toolNames: readonly (keyof ClientTools)[] = [
  "status",
  "outbox",
  "setAuthor",
  "sync",
  "close",
  "destroy",
  "logout",
];

const report = (error: unknown): void => {
  if (typeof reportError === "function") reportError(error);
  else console.error(error);
};

const getTokenOf = (token: string | GetToken | undefined): GetToken => {
  if (typeof token === "function") return token;
  return () => Promise.resolve(token ?? null);
};

const assertNames = (collections: Collections): void => {
  const seen = new Set<string>();
  for (const [name, { name: stored }] of Object.entries(collections)) {
    if ((toolNames as readonly string[]).includes(name)) {
      throw new TypeError(`collections.${name}: the client has something of that name itself`);
    }
    if (seen.has(stored)) throw new TypeError(`collections.${name}: ${stored} stands there twice`);
    seen.add(stored);
  }
};

/**
 * A client of one space: its collections on this device, kept in step with the server for as long as
 * it is open. It answers at once; reading and writing never wait for the network.
 *
 * @throws TypeError for options that can't be right, naming them.
 */
export const createClient = <const Declared extends Collections>(
  options: ClientOptions<Declared>,
): Client<Declared> => {
  const { url, space, collections, runtime = webRuntime, onError = report, user = "" } = options;
  if (!isSpaceId(space)) throw new TypeError(`space: [a-z0-9][a-z0-9._-]{0,62}, not ${space}`);
  assertNames(collections);
  let author = options.author ?? null;
  const name = `synchro:${space}${user === "" ? "" : `:${user}`}`;
  const { forget, ...platform } = clientPlatform(name, options.openStore);
  const declared = Object.values(collections);
  const sources = new Map<CollectionName, CollectionSource<Collection>>();
  const core = new ClientCore({
    space,
    collections: declared,
    ...platform,
    transport:
      options.transport ??
      createTransport({
        url,
        space,
        getToken: getTokenOf(options.token),
        runtime,
        fetch: options.fetch,
        webSocket: options.webSocket,
      }),
    runtime,
    appVersion: options.appVersion ?? null,
    onChanged: (collection, keys) => sources.get(collection)?.refresh(keys),
    onError,
  });
  for (const each of declared) {
    sources.set(each.name, new CollectionSource(each, () => core.opened(), onError));
  }
  const stopListening = listenToPage(() => core.wake());
  const close = async (): Promise<void> => {
    stopListening();
    await core.close();
  };
  const destroy: ClientTools["destroy"] = async ({ force = false } = {}) => {
    const store = await core.opened();
    const [pending, rejected] = await store.read((reader) =>
      Promise.all([reader.countOutbox(), reader.countDeadLetters()]),
    );
    if (!force && pending + rejected > 0) throw new UnsentWorkError(pending, rejected);
    await close();
    await store.destroy();
    forget();
  };
  const handles = Object.entries(collections).map(([handleName, each]) => {
    const source = sources.get(each.name);
    if (source === undefined) throw new Error("every collection has its source");
    const deps = { core, runtime, declared: each, source, author: () => author };
    return [handleName, createCollectionHandle(deps)] as const;
  });
  const tools: ClientTools = {
    status: core.status,
    outbox: createOutbox({ core, runtime, collections: declared, author: () => author }),
    setAuthor: (next) => {
      author = next;
    },
    sync: () => core.wake(),
    close,
    destroy,
    logout: destroy,
  };
  return { ...Object.fromEntries(handles), ...tools } as Client<Declared>;
};
