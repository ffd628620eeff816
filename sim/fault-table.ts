import { phases } from "./device.ts";

const BETWEEN = " while ";

/** How often each fault met a device in each phase: a row a fault, a column a phase. */
export const faultTable = (counters: ReadonlyMap<string, number>): string => {
  const faults = new Set(
    [...counters.keys()].flatMap((name) =>
      name.includes(BETWEEN) ? [name.split(BETWEEN)[0]] : [],
    ),
  );
  const rows = [...faults]
    .toSorted((a = "", b = "") => (a < b ? -1 : 1))
    .map((fault = "") => [
      fault.padEnd(20),
      ...phases.map((phase) =>
        String(counters.get(`${fault}${BETWEEN}${phase}`) ?? 0).padStart(10),
      ),
    ]);
  const head = ["fault while".padEnd(20), ...phases.map((phase) => phase.padStart(10))];
  return [head, ...rows].map((cells) => cells.join(" ")).join("\n");
};
