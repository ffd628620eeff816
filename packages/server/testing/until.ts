import { systemRuntime } from "../src/system-runtime.ts";

const LOOK_EVERY_MS = 5;

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    systemRuntime.after(ms, resolve);
  });

/** Looks again and again until something is so, and says true. @throws Error naming it, if it isn't in time. */
export const until = async (
  what: string,
  isSo: () => boolean | Promise<boolean>,
  withinMs = 15_000,
): Promise<true> => {
  const endMs = systemRuntime.monotonicMs() + withinMs;
  while (!(await isSo())) {
    if (systemRuntime.monotonicMs() > endMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await pause(LOOK_EVERY_MS);
  }
  return true;
};
