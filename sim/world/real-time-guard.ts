/** What would tie a run to the machine that it runs on. */
const forbidden = [
  "Date",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "performance",
  "crypto",
] as const;

const refuse = (name: string) => (): never => {
  throw new Error(`a simulated program used the real ${name}`);
};

const guardOf = (name: string, real: unknown): unknown => {
  if (typeof real !== "function") {
    return new Proxy({}, { get: refuse(name) });
  }
  // `Date` may still turn a number into a date: only the present moment is out of bounds.
  if (name !== "Date") return refuse(name);
  return new Proxy(real, {
    apply: refuse(name),
    construct: (target, parts: unknown[]) =>
      parts.length === 0 ? refuse(name)() : (Reflect.construct(target, parts) as object),
    get: (target, member) =>
      member === "now" ? refuse("Date.now") : (Reflect.get(target, member) as unknown),
  });
};

/** The timers that Node would still have to run. */
const pendingTimers = (): number =>
  process.getActiveResourcesInfo().filter((kind) => kind === "Timeout" || kind === "Immediate")
    .length;

/**
 * Runs `work` in a world without real time and real chance: whoever asks for them is told off, by an
 * exception at the place. At its end no timer may be pending that was not there before.
 *
 * @throws Error if `work` left a real timer behind.
 */
export const withoutRealTime = async <Outcome>(work: () => Promise<Outcome>): Promise<Outcome> => {
  const timersBefore = pendingTimers();
  const saved = forbidden.map((name) => ({
    name,
    descriptor: Object.getOwnPropertyDescriptor(globalThis, name),
    real: Reflect.get(globalThis, name) as unknown,
  }));
  const realChance = Object.getOwnPropertyDescriptor(Math, "random");
  for (const { name, real } of saved) {
    Object.defineProperty(globalThis, name, {
      value: guardOf(name, real),
      configurable: true,
      writable: true,
    });
  }
  Object.defineProperty(Math, "random", { value: refuse("Math.random"), configurable: true });
  try {
    return await work();
  } finally {
    for (const { name, descriptor } of saved) {
      if (descriptor !== undefined) Object.defineProperty(globalThis, name, descriptor);
    }
    if (realChance !== undefined) Object.defineProperty(Math, "random", realChance);
    if (pendingTimers() > timersBefore) throw new Error("a run left a real timer behind");
  }
};
