import { isJsonObject, type JsonObject } from "@synchro/core";
import { scanJson } from "@synchro/protocol";

/** What a key file of a hundred keys, or a token of the greatest size, stays far below. */
const bounds = {
  tokensMax: 10_000,
  depthMax: 8,
  violationsMax: 1,
  groupDepth: 0,
  nestedDepthMax: 8,
} as const;

/**
 * A JSON object as every parser would read it: no member stands twice, no text is ill-formed, no
 * name reaches a prototype. Null for anything else; why is not told, for what could be quoted may
 * be a secret.
 */
export const parseStrictJson = (text: string): JsonObject | null => {
  const scan = scanJson(text, bounds);
  if (scan.kind === "too_large" || scan.violations.length > 0) return null;
  try {
    const value = JSON.parse(text) as JsonObject;
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
};
