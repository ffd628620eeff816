import { type Bell, createBell } from "./bell.ts";
import type { Client, ClientDeps, StartClient } from "./client.ts";
import { longPoll, type PullOutcome, pullPage, push, readStream } from "./exchange.ts";
import { addEdit } from "./outbox.ts";

const BACKOFF_MS_MAX = 20_000;

/** `bell` rings at each edit; `hangUp` ends what only waits: a long poll at an edit, and a stream at a change of collections. */
type Self = { readonly deps: ClientDeps; readonly bell: Bell; hangUp: AbortController };

/** Waits for longer after each failure, and for as long as chance says. */
const createBackoff = (deps: ClientDeps, wait: (longestMs: number) => Promise<void>) => {
  let failures = 0;
  return async (isAnswered: boolean): Promise<void> => {
    failures = isAnswered ? 0 : failures + 1;
    if (isAnswered) return;
    const longestMs = Math.min(BACKOFF_MS_MAX, 200 * 2 ** failures);
    await wait(deps.random.between(100, longestMs));
  };
};

const pull = (self: Self): Promise<PullOutcome> => {
  const { deps } = self;
  const form = deps.random.pick(["get", "post", "ndjson"] as const);
  return form === "ndjson" ? readStream(deps, form, self.hangUp.signal) : pullPage(deps, form);
};

/** Asks now and then, or waits in a long poll while there is nothing to send. */
const runAsking = async (self: Self): Promise<never> => {
  const { deps, bell } = self;
  const backOff = createBackoff(deps, bell.wait);
  let isDone = false;
  for (;;) {
    self.hangUp = new AbortController();
    if (deps.disk.read().outbox.length > 0) {
      await backOff(await push(deps, true));
      isDone = false;
      continue;
    }
    const { signal } = self.hangUp;
    const outcome: PullOutcome = await (deps.mode === "poll" && isDone
      ? longPoll(deps, signal)
      : pull(self));
    isDone = outcome === "done";
    // A poll that was given up for an edit is no failure.
    await backOff(outcome !== "no answer" || signal.aborted);
    if (isDone && deps.mode === "sync") await bell.wait(deps.random.between(1_000, 12_000));
  }
};

const runStream = async (self: Self): Promise<never> => {
  const { runtime, random } = self.deps;
  for (;;) {
    self.hangUp = new AbortController();
    await readStream(self.deps, "sse", self.hangUp.signal);
    await new Promise<void>((resolve) => {
      runtime.after(random.between(50, 3_000), resolve);
    });
  }
};

/** Only the stream moves the cursor; pushes ask for results alone (CLIENT-15). */
const runLive = async (self: Self): Promise<never> => {
  const { deps, bell } = self;
  const backOff = createBackoff(deps, bell.wait);
  // A push that another mode left behind asks for a page: it is settled before the stream begins.
  while (deps.disk.read().batch !== null) await backOff(await push(deps, true));
  runStream(self).catch(deps.crashed);
  for (;;) {
    if (deps.disk.read().outbox.length === 0) await bell.wait(30_000);
    else await backOff(await push(deps, false));
  }
};

/** A client by the letter of the rules CLIENT-1 to CLIENT-28, with no thought for speed. */
export const startNaiveClient: StartClient = (deps): Client => {
  const self: Self = { deps, bell: createBell(deps.runtime), hangUp: new AbortController() };
  const { disk, mode, runtime } = deps;
  (mode === "live" ? runLive(self) : runAsking(self)).catch(deps.crashed);
  return {
    edit: async (edit) => {
      const editedAt = runtime.now();
      await disk.transact((state) => {
        const added = addEdit(state, edit, editedAt);
        return { state: added.state, outcome: added.id };
      });
      if (mode === "poll") self.hangUp.abort();
      self.bell.ring();
      return edit;
    },
    collectionsChanged: () => self.hangUp.abort(),
  };
};
