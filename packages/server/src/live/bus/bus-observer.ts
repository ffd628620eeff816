/** What a bus tells of itself to whoever runs the server. */
export type BusObserver = {
  /** Its connection came up, or is lost, with the reason. Told once a change. */
  readonly onUp: () => void;
  readonly onDown: (reason: string) => void;
  /** Hints sent to the medium, or come from it; and words that came and were none. */
  readonly countHints: (direction: "sent" | "received" | "malformed", count: number) => void;
};

export const silentObserver: BusObserver = {
  onUp: () => {},
  onDown: () => {},
  countHints: () => {},
};
