import { systemRuntime } from "../../src/system-runtime.ts";
import { wait } from "../../src/transfer/wait.ts";

const never = new AbortController().signal;

/** Waits, and keeps the process alive meanwhile: a program may have nothing else to do. */
export const pause = (ms: number): Promise<void> => wait(systemRuntime, ms, never);
