const CACHED_TOKENS_MAX = 10_000;

/** Characters of all tokens that are remembered: what they take grows with it. */
const CACHED_LENGTH_MAX = 16 * 1024 * 1024;

/** The tokens that were used last: good ones only, so that nobody fills it with bad ones. */
export const createTokenCache = <Token>() => {
  const tokens = new Map<string, Token>();
  let length = 0;
  const forget = (text: string): void => {
    if (tokens.delete(text)) length -= text.length;
  };
  return {
    get: (text: string): Token | undefined => {
      const token = tokens.get(text);
      if (token === undefined) return undefined;
      // The last used stands last.
      tokens.delete(text);
      tokens.set(text, token);
      return token;
    },
    set: (text: string, token: Token): void => {
      forget(text);
      tokens.set(text, token);
      length += text.length;
      for (const oldest of tokens.keys()) {
        if (tokens.size <= CACHED_TOKENS_MAX && length <= CACHED_LENGTH_MAX) break;
        forget(oldest);
      }
    },
    clear: (): void => {
      tokens.clear();
      length = 0;
    },
    size: (): number => tokens.size,
  };
};
