export type Reading = {
  readonly gtin: string;
  readonly updated_at: string;
  readonly expiration_date: string;
};
type Refused = { readonly reading: Reading; readonly reason: string };
type Answer = {
  readonly data: readonly Reading[];
  readonly cursor?: string;
  readonly reset?: true;
};
type Problem = { readonly errors?: readonly { readonly path: string; readonly message: string }[] };

/** How many readings a request carries: the server takes 5,000, and 4 MiB. */
const PART = 1000;
const LAST_DAY = "9999-12-31T23:59:59Z";
const byGtin = (readings: readonly Reading[] = []): Map<string, Reading> =>
  new Map(readings.map((reading) => [reading.gtin, reading]));

/**
 * A whole client of /v1. It keeps a cursor where the origin's README has a `last_sync_date`: the date
 * tells when an edit was made, and what this device lacks depends on when it arrived. An edit of
 * 10:00 that comes online at 12:00 is withheld from whoever asks for what is after 11:00, for ever.
 */
export class V1Client {
  #cursor: string;
  /** What the server holds, as far as this device knows. */
  #readings: Map<string, Reading>;
  /** What no answer has confirmed. Sent again until one does: to apply it twice is to apply it once. */
  #edited: Map<string, Reading>;
  /** What the server will not take, with its reason, until a person has looked at it. */
  #refused: readonly Refused[];
  #syncing: Promise<void> | null = null;
  readonly #options;

  /** `save` has the text on the disk when it returns; `saved` is what it saved last, null at first. */
  constructor(options: {
    /** With the shop: `https://synchro.example/v1/sync/?shop=malmo-1`. */
    readonly url: string;
    readonly headers?: { readonly [name: string]: string };
    readonly saved: string | null;
    readonly save: (text: string) => void;
    readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
    readonly now?: () => number;
  }) {
    this.#options = { fetch: globalThis.fetch, now: () => Date.now(), ...options };
    const saved = JSON.parse(options.saved ?? "{}");
    this.#cursor = saved.cursor ?? "";
    this.#readings = byGtin(saved.readings);
    this.#edited = byGtin(saved.edited);
    this.#refused = saved.refused ?? [];
  }

  get readings(): ReadonlyMap<string, Reading> {
    return new Map([...this.#readings, ...this.#edited]);
  }

  get status(): { readonly unsent: number; readonly refused: readonly Refused[] } {
    return { unsent: this.#edited.size, refused: this.#refused };
  }

  /** Durable when it returns; needs no network. Later than what it replaces, whatever the clock says. */
  edit(gtin: string, expirationDate: string): void {
    const replaced = this.#edited.get(gtin) ?? this.#readings.get(gtin);
    const after = replaced === undefined ? 0 : Date.parse(replaced.updated_at) + 1;
    const updatedAt = new Date(Math.max(this.#options.now(), after)).toISOString();
    this.#edited.set(gtin, { gtin, updated_at: updatedAt, expiration_date: expirationDate });
    this.#save();
  }

  /** Rejects while there is no answer (offline, 401, 503) and has lost nothing then: call it again later. */
  sync(): Promise<void> {
    this.#syncing ??= this.#exchange().finally(() => (this.#syncing = null));
    return this.#syncing;
  }

  async #exchange(): Promise<void> {
    for (let isDone = false; !isDone; this.#save()) {
      const sent = [...this.#edited.values()].slice(0, PART);
      // Without a cursor an answer is the whole shop. Edits go first then, each answered by what beat it.
      const from =
        this.#cursor === "" && sent.length > 0
          ? { last_sync_date: LAST_DAY }
          : { cursor: this.#cursor };
      const response = await this.#options.fetch(this.#options.url, {
        method: "POST",
        headers: { "content-type": "application/json", ...this.#options.headers },
        body: JSON.stringify({ ...from, newly_created_records: sent }),
        signal: AbortSignal.timeout(120_000),
      });
      if (response.status === 400) this.#setAside(sent, (await response.json()) as Problem);
      else if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
      else isDone = this.#apply(sent, from.cursor, (await response.json()) as Answer);
    }
  }

  /** One malformed reading refuses the whole request: the others go without it. */
  #setAside(sent: readonly Reading[], { errors = [] }: Problem): void {
    const faults = errors.flatMap(({ path, message }) => {
      const reading = sent[Number(/^\/newly_created_records\/(\d+)/.exec(path)?.[1])];
      return reading === undefined ? [] : [{ reading, reason: message }];
    });
    if (faults.length === 0) throw new Error(`the request was refused: ${JSON.stringify(errors)}`);
    this.#settle(faults.map(({ reading }) => reading));
    this.#refused = [...this.#refused, ...faults];
  }

  /** True when nothing is left on either side. `asked` undefined: the request moved no cursor. */
  #apply(sent: readonly Reading[], asked: string | undefined, answer: Answer): boolean {
    if (!Array.isArray(answer.data)) throw new Error("this is no answer of Synchro");
    const arrived = byGtin(answer.data);
    const held = [...this.#readings, ...byGtin(sent)];
    this.#settle(sent);
    if (answer.reset === true) {
      // A backup was put back: what it lacks is offered to it, and then all is read anew.
      const isLost = ([gtin, { updated_at }]: [string, Reading]): boolean =>
        arrived.get(gtin)?.updated_at !== updated_at;
      this.#edited = new Map([...held.filter(isLost), ...this.#edited]);
      this.#cursor = "";
      return false;
    }
    // What the server returned goes over what is held here; where it is all there is, in its place.
    this.#readings = new Map([...(asked === "" ? [] : held), ...arrived]);
    if (asked !== undefined) this.#cursor = answer.cursor ?? asked;
    return asked !== undefined && this.#edited.size === 0;
  }

  /** What was edited again while the request was on its way stays, and goes out next. */
  #settle(sent: readonly Reading[]): void {
    for (const reading of sent) {
      if (this.#edited.get(reading.gtin) === reading) this.#edited.delete(reading.gtin);
    }
  }

  #save(): void {
    const [readings, edited] = [[...this.#readings.values()], [...this.#edited.values()]];
    const refused = this.#refused;
    this.#options.save(JSON.stringify({ cursor: this.#cursor, readings, edited, refused }));
  }
}
