import { resolve } from "node:path";
import type { CollectionName, Stamp } from "@synchro/core";
import { StartError } from "../config/start-error.ts";
import type { DataFacts } from "./backup-engine.ts";
import { countOf } from "./count-of.ts";
import { examineClock, examineServerClock } from "./examine-clock.ts";
import { examineCollections, examineNode } from "./examine-config.ts";
import { examineDataFolder } from "./examine-folder.ts";
import { fail, type Finding, ok, warn } from "./finding.ts";
import { writtenAt } from "./read-status.ts";

/** One thing that an engine looked at in its own data. */
export type Examined = {
  readonly check: string;
  readonly looked: string;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
};

export type DiagnoseDeps = {
  readonly nodeVersion: string;
  readonly now: () => Stamp;
  /** @throws StartError */
  readonly loadCollections: (config: string | null) => readonly CollectionName[];
  /** @throws StartError */
  readonly inspect: (data: string) => DataFacts;
  /** @throws StartError */
  readonly examine: (data: string, options: { readonly deep: boolean }) => readonly Examined[];
  /** Whether there is one, and it is whole. @throws StartError */
  readonly examineControl: (data: string) => boolean;
  /** Milliseconds since 1970 by a server's clock. @throws StartError */
  readonly askServer: (url: string) => Promise<number>;
};

export type DiagnoseWish = {
  readonly data: string;
  readonly config: string | null;
  readonly deep: boolean;
  readonly url: string | null;
};

const advice: { readonly [check: string]: string } = {
  structure: "stop the server and restore a backup (docs/operations.md)",
  indexes: "stop the server and restore a backup (docs/operations.md)",
  digests: "back up what is there, then restore the last good backup with --replace",
  seqs: "back up what is there, then restore the last good backup with --replace",
  floors: "back up what is there, then restore the last good backup with --replace",
  records: "export the space, and write those records anew",
};

const findingOf = ({ check, looked, problems, warnings }: Examined): Finding => {
  if (problems.length > 0) return fail(check, `${problems.join("; ")}: ${advice[check] ?? ""}`);
  if (warnings.length > 0) return warn(check, warnings.join("; "));
  return ok(check, looked);
};

/** What `look` finds, or, where it can't look, why. */
const guarded = (check: string, look: () => readonly Finding[]): readonly Finding[] => {
  try {
    return look();
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return [fail(check, error.message)];
  }
};

const askClock = async (deps: DiagnoseDeps, url: string | null): Promise<readonly Finding[]> => {
  if (url === null) return [];
  try {
    return [examineServerClock(url, await deps.askServer(url), deps.now())];
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return [fail("server clock", error.message)];
  }
};

/**
 * Looks over a data folder and what is around it, without a write, also while a server runs: one
 * finding each, and for what is not well what to do.
 */
export const diagnose = async (
  deps: DiagnoseDeps,
  wish: DiagnoseWish,
): Promise<readonly Finding[]> => {
  const data = resolve(wish.data);
  const found: Finding[] = [examineNode(deps.nodeVersion)];
  let facts: DataFacts | null = null;
  found.push(
    ...guarded("data", () => {
      facts = deps.inspect(data);
      return [
        ok("data", `${data}, schema ${facts.schema}, ${countOf(facts.spaces.length, "space")}`),
      ];
    }),
  );
  const seen = facts as DataFacts | null;
  found.push(
    ...guarded("config", () => {
      const configured = deps.loadCollections(wish.config);
      return [
        seen === null ? ok("config", "it loads") : examineCollections(configured, seen.declared),
      ];
    }),
  );
  if (seen !== null) {
    found.push(
      ...examineDataFolder(data),
      examineClock(seen, { now: deps.now(), writtenAt: writtenAt(data) }),
      ...guarded("structure", () => deps.examine(data, { deep: wish.deep }).map(findingOf)),
    );
  }
  found.push(
    ...guarded("control", () => [
      deps.examineControl(data)
        ? ok("control", "control.db is whole")
        : ok("control", "there is no control.db: no spaces were made, and no devices let in"),
    ]),
    ...(await askClock(deps, wish.url)),
  );
  return found;
};
