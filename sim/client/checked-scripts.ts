import type { ExchangeScripts } from "../../packages/client/src/sync/exchange.ts";

/**
 * The scripts of a client with a look at what they leave, in their own transaction: what breaks one of
 * these rules may be healed later by a digest, and would be seen only by a rare chance.
 */
export const checkScripts = (
  scripts: ExchangeScripts,
  broken: (rule: string) => void,
): ExchangeScripts => ({
  ...scripts,
  applyAnswer: async (tx, answer, context, sha256) => {
    const before = await tx.getMeta(["generation"]);
    const applied = await scripts.applyAnswer(tx, answer, context, sha256);
    if (applied.kind === "ignored") return applied;
    if (context.sentUnder !== before.generation) {
      broken(`[CLIENT-20] an answer under generation ${context.sentUnder} was applied`);
    }
    const after = await tx.getMeta(["ack"]);
    if (answer.ack !== undefined && after.ack !== answer.ack) {
      broken(`[CLIENT-3] ${answer.ack} was not saved with the results that it came with`);
    }
    return applied;
  },
});
