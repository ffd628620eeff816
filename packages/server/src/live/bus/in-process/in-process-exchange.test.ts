import { systemRuntime } from "../../../system-runtime.ts";
import { type BusGround, describeBusContract } from "../bus.contract.ts";
import { createInProcessExchange, type InProcessBus } from "./in-process-exchange.ts";

describeBusContract("an exchange within one process", async (): Promise<BusGround> => {
  const exchange = createInProcessExchange(systemRuntime);
  const nodes: InProcessBus[] = [];
  let isUp = true;
  return {
    join: async () => {
      const bus = exchange.join();
      nodes.push(bus);
      if (!isUp) bus.disconnect();
      return {
        bus,
        blackhole: bus.disconnect,
        heal: bus.connect,
        cut: async () => {
          bus.disconnect();
          setTimeout(bus.connect, 10);
        },
      };
    },
    stop: async () => {
      isUp = false;
      for (const bus of nodes) bus.disconnect();
    },
    start: async () => {
      isUp = true;
      for (const bus of nodes) bus.connect();
    },
    inject: null,
    close: async () => {},
  };
});
