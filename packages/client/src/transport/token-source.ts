import type { ClientRuntime } from "../runtime/client-runtime.ts";
import type { Attempt } from "./attempt.ts";
import { TransferError } from "./transfer-error.ts";
import type { GetToken } from "./transport.ts";

/**
 * The app's token for one attempt; null: there is none.
 *
 * @throws TransferError if the app fails to say, or not in time.
 */
export type TokenSource = (attempt: Attempt, renew: boolean) => Promise<string | null>;

/** What `Authorization: Bearer` can carry: visible ASCII, without spaces and line breaks. */
const tokenForm = /^[\u0021-\u007e]+$/;

/** False for a token that no server could have given: it is taken as refused, and never sent. */
export const isSendable = (token: string): boolean => tokenForm.test(token);

/**
 * Asks the app for tokens. Requests whose token was refused at the same time share one renewal: where
 * a renewal uses up what it was made with, a second one beside it would log the user out.
 */
export const createTokenSource = (
  getToken: GetToken,
  runtime: ClientRuntime,
  tokenMs: number,
): TokenSource => {
  let renewal: Promise<string | null> | null = null;
  const ask = async (renew: boolean): Promise<string | null> => {
    try {
      return await getToken({ renew });
    } catch {
      throw new TransferError("the app could not get a token");
    }
  };
  const renewOnce = (): Promise<string | null> => {
    if (renewal !== null) return renewal;
    const asked = ask(true);
    const forget = (): void => {
      cancel();
      if (renewal === asked) renewal = null;
    };
    // One that never ends must not be waited for by all who come later.
    const cancel = runtime.after(tokenMs, forget);
    renewal = asked;
    asked.then(forget, forget);
    return asked;
  };
  return (attempt, renew) =>
    attempt.within(tokenMs, "the app gave no token in time", renew ? renewOnce() : ask(false));
};
