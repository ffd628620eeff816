import type { CollectionName, SpaceId, Stamp } from "@synchro/core";
import { StartError } from "../config/start-error.ts";
import { countOf } from "./count-of.ts";
import { examineServerClock } from "./examine-clock.ts";
import { examineCollections, examineNode } from "./examine-config.ts";
import { fail, type Finding, ok, warn } from "./finding.ts";

/** What an engine tells of a database. */
export type ExaminedDatabase = {
  readonly version: string;
  readonly isDurable: boolean;
  readonly openTables: readonly string[];
  readonly standbys: number;
  readonly connections: number;
  readonly connectionsMax: number;
  readonly nowMs: number;
  readonly declared: readonly CollectionName[];
  readonly spaces: readonly SpaceId[];
  /** What is wrong with the records, in words. */
  readonly problems: readonly string[];
};

export type DiagnoseDatabaseDeps = {
  readonly nodeVersion: string;
  readonly now: () => Stamp;
  /** The database as messages call it. */
  readonly name: string;
  /** @throws StartError */
  readonly loadCollections: (config: string | null) => readonly CollectionName[];
  /** @throws StartError */
  readonly examine: () => Promise<ExaminedDatabase>;
  /** Milliseconds since 1970 by a server's clock. @throws StartError */
  readonly askServer: (url: string) => Promise<number>;
};

/** Connections in use, of all that there may be, from which on somebody will soon get none. */
const BUSY = 0.8;

const findingOf = <Value>(
  check: string,
  look: () => Value,
): { readonly value: Value } | { readonly finding: Finding } => {
  try {
    return { value: look() };
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return { finding: fail(check, error.message) };
  }
};

const findingsIn = (name: string, seen: ExaminedDatabase, now: Stamp): readonly Finding[] => {
  const { connections, connectionsMax } = seen;
  const used = `${connections} of ${connectionsMax} connections are in use`;
  return [
    ok("data", `${name}, PostgreSQL ${seen.version}, ${countOf(seen.spaces.length, "space")}`),
    seen.isDurable
      ? ok("durability", "the server syncs what it commits")
      : fail(
          "durability",
          "a crash loses what was acknowledged: set fsync and full_page_writes on",
        ),
    seen.openTables.length === 0
      ? ok("policies", "row-level security holds every table with a space")
      : fail(
          "policies",
          `spaces are not kept apart in ${seen.openTables.join(", ")}: ask who changed it`,
        ),
    seen.problems.length === 0
      ? ok("records", "digests and seqs are those of the records")
      : fail("records", `${seen.problems.join("; ")}: keep a copy, then restore a good backup`),
    seen.standbys === 0
      ? warn("standbys", "none follows: with the disk goes what no backup has")
      : ok("standbys", `${seen.standbys} follow`),
    connections > BUSY * connectionsMax
      ? warn("connections", `${used}: raise max_connections, or lower --pool-size`)
      : ok("connections", used),
    { ...examineServerClock(name, seen.nowMs, now), check: "clock" },
  ];
};

/** Looks over a database and what is around it, without a write, also while servers run. */
export const diagnoseDatabase = async (
  deps: DiagnoseDatabaseDeps,
  wish: { readonly config: string | null; readonly url: string | null },
): Promise<readonly Finding[]> => {
  const found: Finding[] = [examineNode(deps.nodeVersion)];
  let seen: ExaminedDatabase | null = null;
  try {
    seen = await deps.examine();
    found.push(...findingsIn(deps.name, seen, deps.now()));
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    found.push(fail("data", error.message));
  }
  const configured = findingOf("config", () => deps.loadCollections(wish.config));
  if ("finding" in configured) found.push(configured.finding);
  else if (seen === null) found.push(ok("config", "it loads"));
  else found.push(examineCollections(configured.value, seen.declared));
  if (wish.url === null) return found;
  try {
    const serverMs = await deps.askServer(wish.url);
    found.push(examineServerClock(wish.url, serverMs, deps.now()));
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    found.push(fail("server clock", error.message));
  }
  return found;
};
