import { type JsonViolation, type Limits, scanJson } from "@synchro/protocol";

export type ScannedChange =
  | { readonly kind: "scanned"; readonly violation: JsonViolation | undefined }
  | { readonly kind: "too_large"; readonly message: string };

/**
 * Looks at one change's JSON text as a server does before it parses a request that holds it alone.
 * Spec: DATA-11 to DATA-16.
 */
export const scanChange = (text: string, limits: Limits): ScannedChange => {
  const scan = scanJson(`{"changes":[${text}]}`, {
    tokensMax: limits.bodyTokensMax,
    depthMax: limits.bodyDepthMax,
    violationsMax: 1,
    groupDepth: 2,
    nestedDepthMax: limits.valueDepthMax,
  });
  if (scan.kind === "scanned") return { kind: "scanned", violation: scan.violations[0] };
  const message =
    scan.limit === "tokens"
      ? `has more than ${limits.bodyTokensMax} values and names`
      : `nests deeper than ${limits.bodyDepthMax} levels`;
  return { kind: "too_large", message };
};
