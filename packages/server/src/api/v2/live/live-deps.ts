import type { Logger } from "pino";
import type { Services } from "../../../service/services.ts";
import type { Beating } from "./live-beat.ts";
import type { ReadFrame } from "./read-frame.ts";

/** What all connections of a server have in common. */
export type LiveDeps = {
  readonly services: Services;
  readonly logger: Pick<Logger, "error" | "warn">;
  readonly readFrame: ReadFrame;
  /** Has a connection looked after once every `livePingMs`, until what it returns is called. */
  readonly addBeat: (beating: Beating) => () => void;
};
