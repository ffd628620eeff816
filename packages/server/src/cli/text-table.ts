/** What would move a terminal's cursor or change its colours: names come from others. */
const CONTROLS = /\p{Cc}/gu;

const widthOf = (text: string): number => Array.from(text).length;

/** Rows with their columns under each other, the first of them the titles; control characters read `?`. */
export const textTable = (rows: readonly (readonly string[])[]): string => {
  const shown = rows.map((row) => row.map((cell) => cell.replaceAll(CONTROLS, "?")));
  const widths = (shown[0] ?? []).map((_, column) =>
    Math.max(...shown.map((row) => widthOf(row[column] ?? ""))),
  );
  const lineOf = (row: readonly string[]): string =>
    row.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - widthOf(cell))).join("  ");
  return shown.map((row) => `${lineOf(row).trimEnd()}\n`).join("");
};
