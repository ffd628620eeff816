import type { Cancel, SpaceId } from "@synchro/core";
import type { Action, Credentials, Decision, Identity } from "../../../service/authorize.ts";
import type { Services } from "../../../service/services.ts";

type CallerDeps = Pick<Services, "identify" | "authorize" | "runtime" | "limits">;

/**
 * Who is at the other end of a connection: whoever its last good token vouches for. Once that has
 * ended, its holder has `liveGraceMs` for another one. Spec: LIVE-20, LIVE-28.
 */
export class LiveCaller {
  readonly #deps: CallerDeps;
  readonly #owner: { readonly tokenIsOver: () => void };
  #credentials: Credentials = { token: null };
  #cancelGrace: Cancel | null = null;
  #isClosed = false;

  /** `tokenIsOver` is called when the time for another token is over. */
  constructor(deps: CallerDeps, owner: { readonly tokenIsOver: () => void }) {
    this.#deps = deps;
    this.#owner = owner;
  }

  /** Takes a token, in place of the last if there was one, if it vouches for anybody. */
  async take(token: string | null, options: { readonly counts: boolean }): Promise<Identity> {
    const credentials: Credentials = { token };
    const identity = await this.#deps.identify(credentials, options);
    if (identity.kind === "known") {
      this.#credentials = credentials;
      this.#stopGrace();
    }
    return identity;
  }

  /** Who it is now. */
  async identify(options: { readonly counts: boolean }): Promise<Identity> {
    const identity = await this.#deps.identify(this.#credentials, options);
    if (identity.kind === "unauthorized") this.#beginGrace();
    return identity;
  }

  /** What it may do now. */
  async authorize(space: SpaceId, action: Action): Promise<Decision> {
    const decision = await this.#deps.authorize(this.#credentials, space, action);
    if (decision.kind === "unauthorized") this.#beginGrace();
    return decision;
  }

  close(): void {
    this.#isClosed = true;
    this.#stopGrace();
  }

  #beginGrace(): void {
    if (this.#isClosed) return;
    const { runtime, limits } = this.#deps;
    this.#cancelGrace ??= runtime.after(limits.liveGraceMs, () => this.#owner.tokenIsOver());
  }

  #stopGrace(): void {
    this.#cancelGrace?.();
    this.#cancelGrace = null;
  }
}
