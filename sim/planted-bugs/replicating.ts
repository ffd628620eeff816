import type { ReplicaRouting } from "../server/replica.ts";
import type { PlantedBug } from "./planted-bug.ts";

const routing = (routesToReplica: ReplicaRouting) => (): ReturnType<PlantedBug["plant"]> => ({
  server: { routesToReplica },
});

const behindThePush: PlantedBug = {
  name: "replica-behind-the-push",
  rule: "PULL-8",
  does: "lets a replica answer that does not have what the ack names",
  plant: routing((request, read) => {
    const outcome = read({ ...request, ack: null });
    return outcome.reset === null ? outcome : null;
  }),
};

const behindTheCursor: PlantedBug = {
  name: "replica-behind-the-cursor",
  rule: "PULL-7",
  does: "lets a replica answer that has not come to the cursor, from where it stands itself",
  plant: routing((request, read) => {
    const outcome = read(request);
    const { cursor } = request;
    if (outcome.reset === null) return outcome;
    if (cursor === null || cursor === "invalid" || outcome.head === 0) return null;
    const { head: _, ...place } = cursor;
    const seq = Math.min(place.seq, outcome.head);
    const earlier = read({ ...request, ack: null, cursor: { ...place, seq, start: null } });
    return earlier.reset === null ? earlier : null;
  }),
};

const answersResets: PlantedBug = {
  name: "replica-answers-a-reset",
  rule: "RESET-2",
  does: "lets a replica ask for an offer because it is behind",
  plant: routing((request, read) => read(request)),
};

/** Of a server that reads from a replica. */
export const replicatingBugs: readonly PlantedBug[] = [
  behindThePush,
  behindTheCursor,
  answersResets,
];
