import type { Network, Request } from "./network.ts";
import { startProcess } from "./world/machine.ts";
import type { Random } from "./world/random.ts";
import type { World } from "./world/world.ts";

const bodies = [
  "",
  "{",
  "[]",
  "null",
  '{"changes":[{}]',
  '{"cursor":7}',
  '{"cursor":"c1.zz.9.-.*"}',
  '{"cursor":"c1.ffffffffffffffffffff.99999999.-.*","ack":"a1.x.1"}',
  '{"ack":"a1.ffffffffffffffffffff.99999999"}',
  '{"collections":["nowhere"]}',
  '{"collections":[]}',
  '{"limit":0}',
  '{"changes":7}',
  '{"changes":[7,null,"x",{}]}',
  '{"changes":[{"collection":"readings","key":"a"},{"collection":"readings","key":"a"}]}',
  '{"changes":[{"collection":"readings","key":"k0","updated_at":"9999-12-31T23:59:59Z","value":{"expiration_date":"2026-12-01"}}]}',
  '{"changes":[{"collection":"readings","key":"k0","updated_at":"0001-01-01T00:00:00Z","base":5,"deleted":true}]}',
  '{"changes":[{"collection":"readings","key":"k0","updated_at":"yesterday","deleted":true}]}',
  `{"client_id":"\\ud800"}`,
  `{"a":${"[".repeat(200)}${"]".repeat(200)}}`,
];

const queries: readonly { readonly [name: string]: string }[] = [
  { cursor: "c1.zz.9.-.*", limit: "1" },
  { cursor: "'; drop table records; --" },
  { limit: "-1" },
  { limit: "1e3" },
  { wait: "x" },
  { collections: "nowhere" },
  { collections: "" },
  { tombstones: "perhaps" },
];

/** Somebody sends what no client of ours would. Any answer will do; a failed handler fails the run. */
export const sendHostileRequest = (world: World, network: Network, random: Random): void => {
  const process = startProcess("stranger", { ...world, random, clock: { offsetMs: 0 } });
  const space = random.pick(["shop-1", "shop-2", "nowhere"]);
  const request: Request = random.chance(0.7)
    ? { kind: "sync", space, body: random.pick(bodies) }
    : { kind: "changes", form: "json", space, query: random.pick(queries) };
  void network
    .connect("stranger", process)
    .request(request, { timeoutMs: 5_000 })
    .then((answer) => {
      if (answer === null) return;
      world.counters.count("hostile_request_answered");
      if (answer.status >= 500 && answer.status !== 507)
        world.fail(`[LIMIT-8] ${answer.status} for ${JSON.stringify(request)}`);
    });
};
