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

/** The oldest Node that the program runs on. */
const NODE_MIN = 24;

export const examineNode = (version: string): Finding =>
  Number(version.split(".")[0]) >= NODE_MIN
    ? ok("node", `Node ${version}`)
    : fail("node", `Node ${version} is too old: install Node ${NODE_MIN} or newer`);
