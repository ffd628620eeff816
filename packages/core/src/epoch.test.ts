import { describe, expect, test } from "vitest";
import {
  drawEpoch,
  type EpochEntry,
  epochInLife,
  EPOCHS_MAX,
  isPositionValid,
  lifeOf,
  lifeOfSpace,
  listEpoch,
} from "./epoch.ts";
import { epochOf } from "../testing/samples.ts";

const entry = (epoch: string, fromSeq: number): EpochEntry => ({ epoch: epochOf(epoch), fromSeq });
const at = (epoch: string, seq: number) => ({ epoch: epochOf(epoch), seq });

describe("a position is valid", () => {
  // Born in a, opened again at 10 (b), nothing written under a later opening, opened again at 10 (c).
  const epochs = [entry("a", 0), entry("b", 10), entry("c", 25)];
  const head = 40;

  test.each([
    ["a", 0, true],
    ["a", 10, true],
    ["a", 11, false],
    ["a", 40, false],
    ["b", 3, true],
    ["b", 25, true],
    ["b", 26, false],
    ["c", 0, true],
    ["c", 40, true],
    ["c", 41, false],
    ["d", 0, false],
    ["d", 40, false],
  ])("[EPOCH-3] (%s, %i): %s", (epoch, seq, isValid) => {
    expect(isPositionValid(epochs, head, at(epoch, seq))).toBe(isValid);
  });

  test("[EPOCH-3] in no list nothing is", () => {
    expect(isPositionValid([], 0, at("a", 0))).toBe(false);
  });
});

describe("listEpoch", () => {
  test("[EPOCH-1] adds an epoch from the head just before its first write", () => {
    expect(listEpoch([entry("a", 0)], epochOf("b"), 7)).toEqual([entry("a", 0), entry("b", 7)]);
    expect(listEpoch([], epochOf("a"), 0)).toEqual([entry("a", 0)]);
  });

  test("[EPOCH-4] adds it once, at its first write", () => {
    const epochs = [entry("a", 0), entry("b", 7)];
    expect(listEpoch(epochs, epochOf("b"), 20)).toBe(epochs);
  });

  test(`[EPOCH-6] keeps ${EPOCHS_MAX}, the oldest go first, and cursors of those are invalid`, () => {
    let epochs: readonly EpochEntry[] = [];
    for (let opening = 0; opening < EPOCHS_MAX; opening += 1) {
      epochs = listEpoch(epochs, epochOf(`e${opening}`), opening);
    }
    expect(epochs).toHaveLength(200);
    expect(isPositionValid(epochs, 500, at("e0", 1))).toBe(true);

    epochs = listEpoch(epochs, epochOf("e200"), 200);
    expect(epochs).toHaveLength(200);
    expect(epochs[0]).toEqual(entry("e1", 1));
    expect(epochs.at(-1)).toEqual(entry("e200", 200));
    expect(isPositionValid(epochs, 500, at("e0", 1))).toBe(false);
    expect(isPositionValid(epochs, 500, at("e1", 2))).toBe(true);
    expect(isPositionValid(epochs, 500, at("e1", 3))).toBe(false);
  });
});

test("[EPOCH-5] after older data has taken the place of newer, whoever saw more is noticed", () => {
  const before = [entry("a", 0), entry("b", 10)];
  // The copy was taken at head 20 and put to work at once; the lost life went on to 30.
  const after = listEpoch(before, epochOf("c"), 20);
  for (let seq = 0; seq <= 20; seq += 1) {
    expect(isPositionValid(after, 35, at("b", seq))).toBe(true);
  }
  for (let seq = 21; seq <= 30; seq += 1) {
    expect(isPositionValid(after, 35, at("b", seq))).toBe(false);
  }
  expect(isPositionValid(after, 35, at("c", 35))).toBe(true);
});

test("[EPOCH-4] an epoch is 20 hexadecimal digits of what the runtime draws", () => {
  const asked: number[] = [];
  const randomBytes = (count: number): Uint8Array => {
    asked.push(count);
    return Uint8Array.from({ length: count }, (_, index) => 250 + (index % 6));
  };
  expect(drawEpoch({ randomBytes })).toBe("fafbfcfdfefffafbfcfd");
  expect(asked).toEqual([10]);
});

describe("[EPOCH-7] the life in an epoch's name", () => {
  const drawn = epochOf("ffffffffffffffffff12");

  test("is 0 for a drawn name, whatever its digits look like", () => {
    expect(lifeOf(drawn)).toBe(0);
    expect(lifeOf(epochOf("e1"))).toBe(0);
    expect(epochInLife(drawn, 0)).toBe(drawn);
  });

  test.each([1, 2, 10, 999_999_999_999_999])("is read back: %i", (life) => {
    expect(epochInLife(drawn, life)).toBe(`${drawn}f${life}`);
    expect(lifeOf(epochInLife(drawn, life))).toBe(life);
  });

  test.each(["f0", "f01", "f-1", "f1f1", "g1", "f", "f1 ", "f9999999999999999"])(
    "is none where somebody has made it up: …%s",
    (end) => {
      expect(lifeOf(epochOf(drawn + end))).toBe(0);
    },
  );

  test("is that of the last listed epoch, and inherited by those that begin later", () => {
    const epochs = [entry(drawn, 0), entry(epochInLife(drawn, 3), 7)];
    expect(lifeOfSpace([])).toBe(0);
    expect(lifeOfSpace(epochs)).toBe(3);
    const later = epochOf("00000000000000000001");
    const listed = listEpoch(epochs, later, 9);
    expect(listed).toEqual([...epochs, entry(`${later}f3`, 9)]);
    expect(listEpoch(listed, later, 12)).toBe(listed);
    expect(listEpoch(listed, later, 12, 4).at(-1)).toEqual(entry(`${later}f4`, 12));
  });
});
