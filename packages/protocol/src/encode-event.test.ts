import { describe, expect, test } from "vitest";
import { encodeEvent } from "./encode-event.ts";

describe("an event of a stream", () => {
  test.each(["a\nb", "a\rb", "a\u0000b"])(
    "an id or a name %j would forge another event",
    (text) => {
      expect(() => encodeEvent({ id: text, data: "" })).toThrow("line break");
      expect(() => encodeEvent({ name: text, data: "" })).toThrow("line break");
    },
  );

  test("data alone", () => {
    expect(encodeEvent({ data: "{}" })).toBe("data: {}\n\n");
  });

  test("an empty id makes a client forget the last one", () => {
    expect(encodeEvent({ id: "", data: "{}" })).toBe("id: \ndata: {}\n\n");
  });

  test("every field, in an order that any parser takes", () => {
    expect(encodeEvent({ id: "c1", name: "changes", retryMs: 2_000, data: "{}" })).toBe(
      "event: changes\nid: c1\nretry: 2000\ndata: {}\n\n",
    );
  });

  test.each(["a\nb", "a\r\nb", "a\rb"])(
    "a line break in data %j begins a line of its own",
    (data) => {
      expect(encodeEvent({ data })).toBe("data: a\ndata: b\n\n");
    },
  );
});
