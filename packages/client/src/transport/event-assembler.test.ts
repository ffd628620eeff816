import { expect, test } from "vitest";
import { createEventAssembler, type ServerSentEvent } from "./event-assembler.ts";

const eventsOf = (text: string, charsMax = 1_000): readonly ServerSentEvent[] => {
  const assemble = createEventAssembler(charsMax);
  return text.split("\n").flatMap((line) => assemble(line) ?? []);
};

test("an event without its empty line is none", () => {
  expect(eventsOf("event: changes\ndata: 1")).toEqual([]);
  expect(eventsOf("event: changes\ndata: 1\n")).toEqual([{ name: "changes", data: "1" }]);
});

test("lines of data are joined, one space after the colon is taken off, comments are not read", () => {
  expect(eventsOf(": hello\nevent:a\ndata\ndata:  x\n:data: y\ndata:z\n\n")).toEqual([
    { name: "a", data: "\n x\nz" },
  ]);
});

test("a name holds for one event, and an event without data is none", () => {
  expect(eventsOf("event: a\n\ndata: 1\n\nevent: b\nid: 7\nretry: 1\ndata: 2\n\n")).toEqual([
    { name: "", data: "1" },
    { name: "b", data: "2" },
  ]);
});

test("fields of other names mean nothing", () => {
  expect(eventsOf("datax: 1\n data: 2\nDATA: 3\ndata : 4\n\n")).toEqual([]);
});

test("an event that is too long is given up", () => {
  expect(() => eventsOf("data: 12\ndata: 34\n\n", 15)).toThrow("too long");
  expect(eventsOf("data: 12\n\ndata: 34\n\n", 15)).toHaveLength(2);
});
