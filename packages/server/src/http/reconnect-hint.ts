import type { Runtime } from "@synchro/core";

/** The least wait before who was sent away comes back, and what chance may add: not all at once. */
const RECONNECT_MS_MIN = 500;
const RECONNECT_MS_SPREAD = 7_500;

/** Milliseconds after which a client may reconnect, drawn anew for each. */
export const drawReconnectMs = (runtime: Pick<Runtime, "randomBytes">): number => {
  const [high = 0, low = 0] = runtime.randomBytes(2);
  return RECONNECT_MS_MIN + Math.floor(((high * 256 + low) / 65_536) * RECONNECT_MS_SPREAD);
};

/**
 * The events of a stream, and where the server stops a last field that tells the client when to come
 * back (WHATWG HTML, section 9.2.6): it makes no event. Spec: LIVE-15.
 */
export async function* withReconnectHint(
  deps: { readonly runtime: Pick<Runtime, "randomBytes">; readonly draining: AbortSignal },
  events: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  yield* events;
  if (deps.draining.aborted) yield Buffer.from(`retry: ${drawReconnectMs(deps.runtime)}\n\n`);
}
