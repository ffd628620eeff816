import type { CollectionName } from "@synchro/core";
import { fail, type Finding, ok, warn } from "./finding.ts";

/** The collections of a configuration against those that the data were last opened with. */
export const examineCollections = (
  configured: readonly CollectionName[],
  declared: readonly CollectionName[],
): Finding => {
  const missing = declared.filter((name) => !configured.includes(name));
  const added = configured.filter((name) => !declared.includes(name));
  if (missing.length > 0) {
    return warn(
      "config",
      `it lacks ${missing.join(", ")}: started with it, a server leaves those records out of every answer; name the file with --config`,
    );
  }
  if (added.length > 0) {
    return ok("config", `it loads; ${added.join(", ")} will be new at the next start`);
  }
  return ok("config", `it loads, and its ${configured.length} collections are those of the data`);
};

/** The oldest Node that the program runs on; `bin/synchro.mjs` says the same. */
const NODE_MIN = { major: 24, minor: 9 };

export const examineNode = (version: string): Finding => {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isOld = major < NODE_MIN.major || (major === NODE_MIN.major && minor < NODE_MIN.minor);
  return isOld
    ? fail(
        "node",
        `Node ${version} is too old: install Node ${NODE_MIN.major}.${NODE_MIN.minor} or newer`,
      )
    : ok("node", `Node ${version}`);
};
