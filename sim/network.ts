import type { Phase } from "./device.ts";
import type { Process } from "./world/machine.ts";
import type { Random } from "./world/random.ts";
import type { World } from "./world/world.ts";

/** A request as it leaves a client: a POST of JSON text, or a GET with a query. */
export type Request =
  | { readonly kind: "sync"; readonly space: string; readonly body: string }
  /** `POST /v1/sync/`. */
  | { readonly kind: "v1"; readonly space: string; readonly body: string }
  | {
      readonly kind: "changes";
      readonly form: "json" | "sse" | "ndjson";
      readonly space: string;
      readonly query: { readonly [name: string]: string };
    };

export type Answer = { readonly status: number; readonly body: string };

/** A server as the network reaches it. */
export type ServerPort = {
  readonly isAlive: () => boolean;
  /** Aborts when the process ends. */
  readonly ended: AbortSignal;
  /** False from the moment that the server begins to stop. */
  readonly accepts: () => boolean;
  readonly answer: (request: Request, caller: Caller) => Promise<Answer>;
  /** `send` resolves when there is room for more; false: the connection is no more. Resolves when the stream has ended: null, or the answer that the request got in its place. */
  readonly stream: (
    request: Request,
    send: (text: string) => Promise<boolean>,
    caller: Caller,
  ) => Promise<Answer | null>;
};

/** Who stands at the other end of a request. */
export type Caller = {
  readonly token: string;
  /** Aborts when the server has heard that the client went away. */
  readonly gone: AbortSignal;
};

/** What a client's program knows of the network. Null is no answer, for whatever reason. */
export type Transport = {
  readonly request: (
    request: Request,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ) => Promise<Answer | null>;
  /** Hands on text as it arrives, in order, until either side ends; `onText` answers false to end. Resolves with the answer that stood in a stream's place, else null. */
  readonly stream: (
    request: Request,
    options: {
      readonly silenceMs: number;
      readonly onText: (text: string) => Promise<boolean>;
      readonly signal: AbortSignal;
    },
  ) => Promise<Answer | null>;
};

/** How bad the network is. */
export type NetworkFaults = {
  dropRequest: number;
  dropAnswer: number;
  duplicate: number;
  /** How many are so slow that later ones overtake them. */
  slow: number;
  cutStream: number;
  /** Names of the devices that reach nobody. */
  readonly partitioned: Set<string>;
};

export const calmNetwork = (): NetworkFaults => ({
  dropRequest: 0,
  dropAnswer: 0,
  duplicate: 0,
  slow: 0,
  cutStream: 0,
  partitioned: new Set(),
});

const SLOW_MS_MAX = 25_000;
/** How long a server waits for a subscriber that takes nothing. */
const STALL_MS = 30_000;

/** Counted by itself, and by what the device was at. */
const countFault = ({ world, device, phaseOf }: Link, name: string): void => {
  world.counters.count(name);
  const phase = phaseOf(device);
  if (phase !== null) world.counters.count(`${name} while ${phase}`);
};

export type Network = { readonly connect: (device: string, process: Process) => Transport };

type Link = {
  readonly world: World;
  readonly random: Random;
  readonly faults: () => NetworkFaults;
  readonly server: () => ServerPort | null;
  readonly phaseOf: (device: string) => Phase | null;
  readonly device: string;
  readonly process: Process;
};

const delayMs = (link: Link): number => {
  const { random, faults } = link;
  if (random.chance(faults().slow)) {
    countFault(link, "message_slow");
    return random.between(500, SLOW_MS_MAX);
  }
  return random.chance(0.8) ? random.between(0, 8) : random.between(8, 120);
};

const isLost = (link: Link, probability: number, name: string): boolean => {
  if (link.faults().partitioned.has(link.device)) {
    countFault(link, "message_partitioned");
    return true;
  }
  if (!link.random.chance(probability)) return false;
  countFault(link, name);
  return true;
};

/** Carries one copy of a request to the server and its answer back; `onAnswer` null: the connection broke, and the client noticed. */
const carry = (
  link: Link,
  request: Request,
  gone: AbortSignal,
  onAnswer: (answer: Answer | null) => void,
): void => {
  const { world, random } = link;
  const breaks = (): void => {
    // Else the client finds out by its timeout.
    if (random.chance(0.5))
      world.scheduler.after(delayMs(link), "net broken", () => onAnswer(null));
  };
  if (isLost(link, link.faults().dropRequest, "request_dropped")) return breaks();
  world.scheduler.after(delayMs(link), `net request ${link.device}`, () => {
    const port = link.server();
    if (port === null || !port.accepts()) return breaks();
    port.ended.addEventListener("abort", breaks);
    port.answer(request, { token: link.device, gone }).then(
      (answer) => {
        port.ended.removeEventListener("abort", breaks);
        if (isLost(link, link.faults().dropAnswer, "answer_dropped")) return breaks();
        world.scheduler.after(delayMs(link), `net answer ${link.device} ${answer.status}`, () => {
          if (!port.isAlive() && random.chance(0.5)) onAnswer(null);
          else onAnswer(answer);
        });
      },
      (error: unknown) => {
        // A server that stops closes its store under what it no longer waits for.
        if (port.accepts()) world.fail(`a handler failed: ${String((error as Error).stack)}`);
        else breaks();
      },
    );
  });
};

const sendRequest = (link: Link): Transport["request"] => {
  const { world, random, process } = link;
  return (request, { timeoutMs, signal }) =>
    new Promise((resolve) => {
      let isWaiting = true;
      const gone = new AbortController();
      const end = (answer: Answer | null): void => {
        if (!process.isAlive()) return;
        if (!isWaiting) {
          if (answer !== null) world.counters.count("answer_late");
          return;
        }
        isWaiting = false;
        cancelTimer();
        resolve(answer);
      };
      const hangUp = (): void => {
        end(null);
        world.scheduler.after(delayMs(link), "net hang-up", () => gone.abort("gone"));
      };
      const cancelTimer = process.runtime.after(timeoutMs, hangUp);
      if (signal?.aborted === true) return hangUp();
      signal?.addEventListener("abort", hangUp);
      carry(link, request, gone.signal, end);
      if (random.chance(link.faults().duplicate)) {
        countFault(link, "request_duplicated");
        carry(link, request, gone.signal, end);
      }
    });
};

/** One direction of an open stream: texts in order, each delayed, until it is cut. */
const createPipe = (link: Link, onText: (text: string) => void, onCut: () => void) => {
  const { world, random } = link;
  const underway: string[] = [];
  const room: (() => void)[] = [];
  let isOpen = true;
  let isLast = false;
  const cut = (): void => {
    if (!isOpen) return;
    isOpen = false;
    for (const resolve of room.splice(0)) resolve();
    if (random.chance(0.7)) world.scheduler.after(delayMs(link), "net stream end", onCut);
  };
  const deliver = (): void => {
    const text = underway.shift();
    if (text === undefined || !isOpen) return;
    if (isLost(link, link.faults().cutStream, "stream_cut")) {
      onText(text.slice(0, random.below(text.length + 1)));
      return cut();
    }
    onText(text);
    room.shift()?.();
    if (isLast && underway.length === 0) cut();
  };
  return {
    cut,
    /** Nothing more will be sent: the end follows what is underway. */
    finish: (): void => {
      isLast = true;
      if (underway.length === 0) cut();
    },
    isOpen: () => isOpen,
    send: async (text: string): Promise<boolean> => {
      if (!isOpen) return false;
      underway.push(text);
      world.scheduler.after(delayMs(link), `net event ${link.device}`, deliver);
      if (underway.length < random.between(1, 4)) return true;
      await new Promise<void>((resolve) => {
        room.push(resolve);
        world.scheduler.after(STALL_MS, "net stall", resolve);
      });
      return isOpen;
    },
  };
};

const openStream = (link: Link): Transport["stream"] => {
  const { world, process } = link;
  return (request, { silenceMs, onText, signal }) =>
    new Promise((resolve) => {
      const gone = new AbortController();
      let work = Promise.resolve(true);
      let isOver = false;
      let refusal: Answer | null = null;
      const end = (): void => {
        if (isOver || !process.isAlive()) return;
        isOver = true;
        cancelTimer();
        pipe.cut();
        world.scheduler.after(delayMs(link), "net hang-up", () => gone.abort("gone"));
        void work.then(() => resolve(refusal));
      };
      const take = (text: string): void => {
        if (isOver || !process.isAlive()) return;
        cancelTimer();
        cancelTimer = process.runtime.after(silenceMs, end);
        work = work.then((goesOn) => (goesOn ? onText(text) : false));
        void work.then((goesOn) => {
          if (!goesOn) end();
        });
      };
      let cancelTimer = process.runtime.after(silenceMs, end);
      const pipe = createPipe(link, take, end);
      if (signal.aborted) return end();
      signal.addEventListener("abort", end);
      if (isLost(link, link.faults().dropRequest, "request_dropped")) return;
      world.scheduler.after(delayMs(link), `net open ${link.device}`, () => {
        const port = link.server();
        if (port === null || !port.accepts()) return pipe.cut();
        port.ended.addEventListener("abort", pipe.cut);
        const caller = { token: link.device, gone: gone.signal };
        port.stream(request, pipe.send, caller).then(
          (answer) => {
            refusal = answer;
            pipe.finish();
          },
          (error: unknown) => {
            if (port.accepts()) world.fail(`a stream failed: ${String((error as Error).stack)}`);
            pipe.cut();
          },
        );
      });
    });
};

/** A network between devices and one server that loses, doubles, delays, reorders and cuts, as `faults` say. */
export const createNetwork = (deps: {
  readonly world: World;
  readonly random: Random;
  readonly faults: () => NetworkFaults;
  readonly server: () => ServerPort | null;
  /** Null for whoever is no device. */
  readonly phaseOf: (device: string) => Phase | null;
}): Network => ({
  connect: (device, process) => {
    const link: Link = { ...deps, device, process };
    return { request: sendRequest(link), stream: openStream(link) };
  },
});
