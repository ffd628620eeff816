import { webRuntime } from "../runtime/web-runtime.ts";
import { createHttpTransport } from "./http-transport.ts";
import { describeTransport } from "./transport.contract.ts";

describeTransport(
  "HTTP",
  (options) => createHttpTransport({ ...options, getToken: async () => null, runtime: webRuntime }),
  { kind: "ended" },
);
