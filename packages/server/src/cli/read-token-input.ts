import { StartError } from "../config/start-error.ts";
import { TOKEN_LENGTH_MAX } from "../access/verify-token.ts";
import type { Terminal } from "./command.ts";

/** Whether a text has the form of a token. */
export const looksLikeToken = (text: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text);

/**
 * The token on standard input, without the line's end. It never comes as an argument: every user
 * of the machine can read those, and the shell keeps them.
 */
export const readTokenInput = async (terminal: Pick<Terminal, "input">): Promise<string> => {
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of terminal.input()) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length > TOKEN_LENGTH_MAX + 2) break;
  }
  const token = text.trim();
  if (looksLikeToken(token)) return token;
  throw new StartError("standard input holds no token: three parts with dots between");
};
