export const findingStates = ["OK", "WARN", "FAIL"] as const;

/** One thing that `doctor` looked at: how it is, and, where that is not well, what to do. */
export type Finding = {
  readonly check: string;
  readonly state: (typeof findingStates)[number];
  readonly message: string;
};

export const ok = (check: string, message: string): Finding => ({ check, state: "OK", message });
export const warn = (check: string, message: string): Finding => ({
  check,
  state: "WARN",
  message,
});
export const fail = (check: string, message: string): Finding => ({
  check,
  state: "FAIL",
  message,
});

/** Findings as lines: state, check, message, under each other. */
export const findingLines = (findings: readonly Finding[]): string => {
  const width = Math.max(0, ...findings.map(({ check }) => check.length));
  return findings
    .map(({ state, check, message }) => `${state.padEnd(4)}  ${check.padEnd(width)}  ${message}\n`)
    .join("");
};
