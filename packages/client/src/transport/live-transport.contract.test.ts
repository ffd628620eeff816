import { expect } from "vitest";
import { webRuntime } from "../runtime/web-runtime.ts";
import { createHttpTransport } from "./http-transport.ts";
import { createLiveTransport } from "./live-transport.ts";
import { describeTransport } from "./transport.contract.ts";

describeTransport(
  "HTTP with a WebSocket",
  (options) => {
    const deps = { ...options, getToken: async () => null, runtime: webRuntime };
    return createLiveTransport(createHttpTransport(deps), { ...deps, webSocket: WebSocket });
  },
  // It says when to come back, to each client another time.
  { kind: "busy", code: "unavailable", retryAfterMs: expect.any(Number) },
);
