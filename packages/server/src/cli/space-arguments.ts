import type { SpaceId } from "@synchro/core";
import { titleProblem } from "@synchro/protocol";
import { countRecords } from "../compose-spaces.ts";
import { type Arguments, type Given, refuseUsage } from "../config/arguments.ts";
import { readSpace, readText } from "../config/argument-values.ts";
import type { DataPlace } from "../config/data-place.ts";
import { nameHint } from "../config/closest-name.ts";
import { StartError } from "../config/start-error.ts";
import type { ControlStore, SpaceEntry } from "../control/control-store.ts";
import { readEntries } from "../control/known-spaces.ts";

/** The operand of every command that is about one space. */
export const spaceOperand = { name: "SPACE", help: "the space's id" } as const;

export const readSpaceOperand = (args: Arguments<never>): SpaceId =>
  readSpace({ text: args.operands[0] ?? "", place: spaceOperand.name });

/** Text for people, by the same rule as over HTTP; null where none was given. */
export const readTitle = (given: Given | undefined): string | null => {
  const title = readText(given);
  if (title === null) return null;
  const problem = titleProblem(title);
  return problem === null ? title : refuseUsage(`${given?.place} ${problem}`);
};

export type FoundSpace = { readonly entry: SpaceEntry | null; readonly records: number };

/**
 * A space that exists and is not deleted, by its entry or by its records.
 *
 * @throws StartError in one line, with the id that was probably meant.
 */
export const findSpace = async (
  control: ControlStore,
  data: DataPlace,
  id: SpaceId,
): Promise<FoundSpace> => {
  const entries = await readEntries(control);
  const records = await countRecords(data);
  const entry = entries.get(id) ?? null;
  if (entry?.deletedAt != null) {
    throw new StartError(`${id} is deleted: synchro space undelete ${id} brings it back`);
  }
  if (entry !== null || records.has(id)) return { entry, records: records.get(id) ?? 0 };
  const known = [...new Set([...entries.keys(), ...records.keys()])].toSorted();
  const hint = known.length === 0 ? "there is none yet" : nameHint(id, known);
  throw new StartError(`${id} is not a space here: ${hint}`);
};
