import type { OnProgress } from "../operations/make-backup.ts";
import type { Terminal } from "./command.ts";

/** Draws how far a long run is where somebody watches. `clear` takes the line away again. */
export const showProgress = (
  terminal: Pick<Terminal, "draw">,
): { readonly onProgress: OnProgress; readonly clear: () => void } => {
  const { draw } = terminal;
  if (draw === null) return { onProgress: () => {}, clear: () => {} };
  return {
    onProgress: (what, share) =>
      draw(share === 0 ? `${what} …` : `${what} ${Math.floor(share * 100)} %`),
    clear: () => draw(""),
  };
};
