// Prints the kept ratios as the table of docs/benchmarks.md.
//
//   node bench/print-baselines.ts
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Baseline } from "./report/baseline.ts";

const folder = join(import.meta.dirname, "baselines");

const cells = (...texts: readonly string[]): string => `| ${texts.join(" | ")} |`;

const lines = readdirSync(folder)
  .toSorted()
  .flatMap((name) => {
    const { row, ratios, machine } = JSON.parse(
      readFileSync(join(folder, name), "utf8"),
    ) as Baseline;
    return ratios.map(({ what, ratio, aim, unit = "", isMet, cpuRatio }) =>
      cells(
        row,
        what,
        `${ratio.toPrecision(3)}${unit}`,
        `${aim.is} ${aim.value}${unit}`,
        isMet ? "pass" : "**miss**",
        cpuRatio?.toPrecision(3) ?? "",
        String(machine.load),
      ),
    );
  });

process.stdout.write(
  [
    cells("row", "compared", "ratio", "aim", "", "by processor time", "load"),
    cells("---", "---", "---:", "---", "---", "---:", "---:"),
    ...lines,
    "",
  ].join("\n"),
);
