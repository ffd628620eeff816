import fastify from "fastify";
import { expect, test } from "vitest";
import { StoreUnavailableError } from "../store/store-unavailable-error.ts";
import { addErrorAnswers } from "./error-answers.ts";

test.each([
  ["busy", "1", "nothing was applied"],
  ["lost", "5", "nothing was applied"],
  ["unknown", "5", "may be applied or not"],
] as const)(
  "a store that is %s is told as 503 with Retry-After, and nothing of its cause",
  async (reason, seconds, detail) => {
    const app = fastify();
    addErrorAnswers(app);
    app.get("/", () => Promise.reject(new StoreUnavailableError(reason, "canary.example:5432")));
    const answer = await app.inject("/");
    expect(answer.statusCode).toBe(503);
    expect(answer.headers["retry-after"]).toBe(seconds);
    expect(answer.json()).toMatchObject({
      code: "unavailable",
      detail: expect.stringContaining(detail),
    });
    expect(answer.body).not.toContain("canary");
  },
);
