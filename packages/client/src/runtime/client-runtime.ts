import type { Runtime } from "@synchro/core";

/** What a client knows of the outside world: core's runtime, of which it never needs `soon`. */
export type ClientRuntime = Omit<Runtime, "soon">;
