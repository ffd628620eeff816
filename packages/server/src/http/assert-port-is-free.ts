import { createServer } from "node:net";

/**
 * Whether nobody else listens where a server shall: asked before it opens its data, so that a second
 * start is told of the port, and has touched nothing. Rejects with the system's error if not.
 */
export const assertPortIsFree = (at: {
  readonly host: string;
  readonly port: number;
}): Promise<void> =>
  new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(at, () => probe.close(() => resolve()));
  });
