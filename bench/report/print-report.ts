import { median } from "./interleave.ts";
import { type Comparison, isMet, type RowReport } from "./row-report.ts";

const shortened = (figure: number): string =>
  figure >= 1_000
    ? Math.round(figure).toLocaleString("en")
    : figure.toFixed(figure >= 100 ? 0 : figure >= 10 ? 1 : 2);

const cells = (...texts: readonly string[]): string => `| ${texts.join(" | ")} |`;

const comparisonRow = (comparison: Comparison): string => {
  const { what, ratio, aim, unit = "", cpuRatio } = comparison;
  const verdict = isMet(comparison) ? "pass" : "**miss**";
  const byCpu = cpuRatio?.toFixed(2) ?? "";
  return cells(what, `${ratio.toFixed(2)}${unit}`, `${aim.is} ${aim.value}${unit}`, verdict, byCpu);
};

/** A row as Markdown: the figures, then the ratios with the aim beside them. */
export const printReport = (report: RowReport): string =>
  [
    `## ${report.row}`,
    "",
    cells("contestant", "median", "least", "most", "unit", "µs of processor each"),
    cells("---", "---:", "---:", "---:", "---", "---:"),
    ...report.series.map(({ name, unit, rounds, cpuMicros }) =>
      cells(
        name,
        shortened(median(rounds)),
        shortened(Math.min(...rounds)),
        shortened(Math.max(...rounds)),
        unit,
        cpuMicros.length === 0 ? "" : shortened(median(cpuMicros)),
      ),
    ),
    "",
    cells("compared", "ratio", "aim", "", "by processor time"),
    cells("---", "---:", "---", "---", "---:"),
    ...report.comparisons.map(comparisonRow),
    "",
    ...report.notes.map((note) => `- ${note}`),
    "",
  ].join("\n");
