import { renderUnicodeCompact } from "uqr";

/** White on black whatever the terminal's own colours are, so that the light squares are light. */
const PAINT = "\u001B[97;40m";
const PLAIN = "\u001B[0m";

/** A QR code (ISO/IEC 18004) in half blocks, to be scanned from the screen. */
export const qrCode = (text: string, hasColors: boolean): string => {
  const lines = renderUnicodeCompact(text, { border: 2 }).split("\n");
  return lines.map((line) => `${hasColors ? PAINT + line + PLAIN : line}\n`).join("");
};
