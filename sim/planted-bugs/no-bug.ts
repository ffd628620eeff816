import type { Plant, PlantedBug } from "./planted-bug.ts";
import { realScripts } from "./real-scripts.ts";

const noBug: Plant = {
  server: { store: (real) => real, services: (real) => real, answer: (_, real) => real },
  client: {
    scripts: realScripts,
    store: (real) => real,
    transport: (real) => real,
    locksDisk: true,
    hasOneLeader: true,
    waitsForDisk: true,
  },
};

/** What a run puts into its programs: nothing at all, but for the bug's own. */
export const plantOf = (bug: PlantedBug | undefined): Plant => {
  const { server = {}, client = {} } = bug?.plant() ?? {};
  return {
    server: { ...noBug.server, ...server },
    client: { ...noBug.client, ...client },
  };
};
