import { expect, test } from "vitest";
import { createTurns } from "./take-turns.ts";

const setUp = (atOnce: number) => {
  const later: (() => void)[] = [];
  const takeTurn = createTurns({ soon: (task) => void later.push(task) }, atOnce);
  /** Lets the turns that have ended make room. */
  const turn = async (): Promise<void> => {
    for (const task of later.splice(0)) task();
    await new Promise(setImmediate);
  };
  return { takeTurn, turn };
};

test("so many begin at once, and the next only in a later turn, in order", async () => {
  const { takeTurn, turn } = setUp(2);
  const begun: number[] = [];
  for (let number = 0; number < 5; number += 1) {
    void takeTurn(async () => void begun.push(number));
  }
  await new Promise(setImmediate);
  expect(begun).toEqual([0, 1]);
  await turn();
  expect(begun).toEqual([0, 1, 2, 3]);
  await turn();
  await turn();
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  void takeTurn(async () => void begun.push(5));
  void takeTurn(async () => void begun.push(6));
  void takeTurn(async () => void begun.push(7));
  expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6]);
});

test("one that fails makes room all the same, and fails for whoever asked", async () => {
  const { takeTurn, turn } = setUp(1);
  const failing = takeTurn(() => Promise.reject(new Error("no luck")));
  const next = takeTurn(async () => "done");
  await expect(failing).rejects.toThrow("no luck");
  await turn();
  expect(await next).toBe("done");
});
