import { expect, test } from "vitest";
import { type InTurn, LiveTurns } from "./live-turns.ts";

const setUp = () => {
  const owner = { mayRead: true };
  const begun: string[] = [];
  const one = (name: string): InTurn => ({ resume: () => void begun.push(name) });
  return { owner, begun, one, turns: new LiveTurns(owner) };
};

test("[LIVE-23] one reads at a time, in the order in which they came", () => {
  const { begun, one, turns } = setUp();
  const [a, b, c] = [one("a"), one("b"), one("c")];
  for (const each of [a, b, c]) turns.add(each);
  expect(begun).toEqual(["a"]);
  turns.end(a);
  turns.end(a);
  expect(begun).toEqual(["a", "b"]);
  turns.end(b);
  turns.end(c);
  expect(begun).toEqual(["a", "b", "c"]);
});

test("[LIVE-23] nobody reads where nothing may be read, until it may", () => {
  const { owner, begun, one, turns } = setUp();
  const [a, b] = [one("a"), one("b")];
  turns.add(a);
  owner.mayRead = false;
  // It goes on later: after the other, which waits already.
  turns.add(b);
  turns.add(a);
  expect(begun).toEqual(["a"]);
  owner.mayRead = true;
  turns.next();
  turns.end(b);
  expect(begun).toEqual(["a", "b", "a"]);
});

test("one that is gone waits no more, and one that had no turn ends none", () => {
  const { begun, one, turns } = setUp();
  const [a, b, c] = [one("a"), one("b"), one("c")];
  for (const each of [a, b, c]) turns.add(each);
  turns.end(b);
  expect(begun).toEqual(["a"]);
  turns.end(a);
  expect(begun).toEqual(["a", "c"]);
});
