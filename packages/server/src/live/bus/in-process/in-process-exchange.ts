import type { Runtime } from "@synchro/core";
import type { Bus, BusListener } from "../bus.ts";
import { createPendingHints } from "../pending-hints.ts";

/** A node of an exchange; its connection can be taken away, as that of any other bus can. */
export type InProcessBus = Bus & {
  readonly disconnect: () => void;
  readonly connect: () => void;
};

type Node = {
  readonly listeners: Set<BusListener>;
  isConnected: boolean;
};

const tell = (node: Node, tellOne: (listener: BusListener) => void): void => {
  if (!node.isConnected) return;
  for (const listener of node.listeners) tellOne(listener);
};

/**
 * A bus among nodes of one process: what a server alone uses, whose one node has nobody to tell, and
 * what several in one test or simulation do. Hints come in a later turn, as over any other medium.
 */
export const createInProcessExchange = (
  runtime: Pick<Runtime, "soon">,
): { readonly join: () => InProcessBus } => {
  const nodes = new Set<Node>();
  const join = (): InProcessBus => {
    const self: Node = { listeners: new Set(), isConnected: true };
    const pending = createPendingHints();
    let isSending = false;
    nodes.add(self);
    const send = (): void => {
      isSending = false;
      if (!self.isConnected || !nodes.has(self)) return;
      const { bySpace, hasLost } = pending.take();
      for (const node of nodes) {
        if (node === self) continue;
        for (const [space, seq] of bySpace) tell(node, (each) => each.onHint({ space, seq }));
        if (hasLost) tell(node, (each) => each.onGap());
      }
    };
    const sendSoon = (): void => {
      if (isSending || !self.isConnected) return;
      isSending = true;
      runtime.soon(send);
    };
    const gapSoon = (): void => runtime.soon(() => tell(self, (each) => each.onGap()));
    gapSoon();
    return {
      publish: (hint) => {
        if (!nodes.has(self)) return;
        pending.add(hint);
        sendSoon();
      },
      listen: (listener) => {
        self.listeners.add(listener);
        return () => void self.listeners.delete(listener);
      },
      close: async () => {
        nodes.delete(self);
        self.listeners.clear();
      },
      disconnect: () => {
        self.isConnected = false;
      },
      connect: () => {
        if (self.isConnected) return;
        self.isConnected = true;
        gapSoon();
        sendSoon();
      },
    };
  };
  return { join };
};
