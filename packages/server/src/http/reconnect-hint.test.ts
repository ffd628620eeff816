import { expect, test } from "vitest";
import { drawReconnectMs, withReconnectHint } from "./reconnect-hint.ts";

async function* events(): AsyncGenerator<Buffer> {
  yield Buffer.from("data: 1\n\n");
}

const textOf = async (draining: AbortSignal, bytes: readonly number[]): Promise<string> => {
  const runtime = { randomBytes: () => new Uint8Array(bytes) };
  let text = "";
  for await (const piece of withReconnectHint({ runtime, draining }, events())) {
    text += piece.toString();
  }
  return text;
};

test("[LIVE-15] a stream that ends for another reason says nothing of coming back", async () => {
  expect(await textOf(new AbortController().signal, [0, 0])).toBe("data: 1\n\n");
});

test("[LIVE-15] a stream that a stop ends tells when to come back, after all else", async () => {
  expect(await textOf(AbortSignal.abort(), [0, 0])).toBe("data: 1\n\nretry: 500\n\n");
  expect(await textOf(AbortSignal.abort(), [255, 255])).toBe("data: 1\n\nretry: 7999\n\n");
});

test("times to come back are spread evenly", () => {
  const times = Array.from({ length: 65_536 }, (_, at) =>
    drawReconnectMs({ randomBytes: () => new Uint8Array([at >> 8, at & 255]) }),
  );
  const early = times.filter((ms) => ms < 4_250).length;
  expect(early).toBeGreaterThan(32_500);
  expect(early).toBeLessThan(33_000);
});
