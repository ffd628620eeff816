import { freezeBatch } from "../../packages/client/src/outbox/freeze-batch.ts";
import { applyAnswer } from "../../packages/client/src/sync/apply-answer.ts";
import type { ExchangeScripts } from "../../packages/client/src/sync/exchange.ts";

export const realScripts: ExchangeScripts = { applyAnswer, freezeBatch };
