import { askBrowser } from "../../packages/client/src/client/browser-storage.ts";
import { routeToReplica } from "../server/replica.ts";
import type { Plant, PlantedBug } from "./planted-bug.ts";
import { realScripts } from "./real-scripts.ts";

const noBug: Plant = {
  server: {
    store: (real) => real,
    services: (real) => real,
    answer: (_, real) => real,
    routesToReplica: routeToReplica,
  },
  client: {
    scripts: realScripts,
    store: (real) => real,
    transport: (real) => real,
    asksBrowser: askBrowser,
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
