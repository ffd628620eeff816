import type { SpaceId } from "@synchro/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "../../../testing/until.ts";
import type { Bus, Hint } from "./bus.ts";

/** A node on the medium, and its way there, which a test can spoil. */
export type BusNode = {
  readonly bus: Bus;
  /** The way swallows everything, and says nothing. */
  readonly blackhole: () => void;
  /** Lets through again. */
  readonly heal: () => void;
  /** Ends the connection at the medium's side. */
  readonly cut: () => Promise<void>;
};

export type BusGround = {
  readonly join: () => Promise<BusNode>;
  /** Takes the medium away from everybody, and brings it back. */
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
  /** Sends a text to all as a stranger would; null: strangers have no way to. */
  readonly inject: ((payload: string) => Promise<void>) | null;
  readonly close: () => Promise<void>;
};

/** A node that notes what it is told. */
type Ear = BusNode & { readonly hints: Hint[]; gaps: number };

const spaceOf = (number: number): SpaceId => `shop-${number}` as SpaceId;
const shop = spaceOf(1);

/** Whether it was told of this, or to look at everything since there were `gaps`. */
const knows = (ear: Ear, { space, seq }: Hint, gaps: number): boolean =>
  ear.gaps > gaps || ear.hints.some((hint) => hint.space === space && hint.seq === seq);

const hostile = [
  "",
  " ",
  ":",
  "shop-1",
  "shop-1:",
  "shop-1:x",
  "shop-1:-1",
  "shop-1:1.5",
  "shop-1:99999999999999999999",
  "shop-1:9999999999999999",
  "../etc:1",
  "SHOP:1",
  "__proto__:1",
  `${"a".repeat(64)}:1`,
  "{}",
  "'; DROP TABLE records; --",
  "\u0001\u2028😀:1",
  "* *",
  Array.from({ length: 3_000 }, () => ":").join(" "),
];

/** What every engine guarantees, and what `bus.ts` says in prose. */
export const describeBusContract = (name: string, open: () => Promise<BusGround>): void => {
  describe(`${name} keeps the contract of a bus`, () => {
    let ground: BusGround;
    let ears: Ear[];

    beforeEach(async () => {
      ground = await open();
      ears = [];
    });

    afterEach(async () => {
      for (const { bus } of ears) await bus.close();
      await ground.close();
    });

    const join = async (): Promise<Ear> => {
      const node = await ground.join();
      const ear: Ear = { ...node, hints: [], gaps: 0 };
      ears.push(ear);
      node.bus.listen({
        onHint: (hint) => ear.hints.push(hint),
        onGap: () => (ear.gaps += 1),
      });
      return ear;
    };

    const joinAll = async (count: number): Promise<readonly Ear[]> => {
      const all: Ear[] = [];
      for (let number = 0; number < count; number += 1) all.push(await join());
      await until("all are connected", () => all.every(({ gaps }) => gaps > 0));
      return all;
    };

    /** Publishes until the other end is told: whether it is at all is what is asked. */
    const talks = (from: Ear, to: Ear): Promise<true> => {
      let seq = 1_000;
      return until("a hint arrives", () => {
        seq += 1;
        from.bus.publish({ space: spaceOf(9), seq });
        return to.hints.some((hint) => hint.space === spaceOf(9) && hint.seq > 1_000);
      });
    };

    test("a medium that is down at the start fails nobody, and is joined when it is there", async () => {
      await ground.stop();
      const [a, b] = [await join(), await join()];
      a.bus.publish({ space: shop, seq: 1 });
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(b.hints).toEqual([]);
      await ground.start();
      await until("both are told to look", () => a.gaps > 0 && b.gaps > 0);
      expect(await talks(a, b)).toBe(true);
    });

    test("a medium that goes away fails nobody; when it is back all are told to look", async () => {
      const [a, b] = (await joinAll(2)) as [Ear, Ear];
      await ground.stop();
      const gaps = [a.gaps, b.gaps];
      a.bus.publish({ space: shop, seq: 1 });
      b.bus.publish({ space: shop, seq: 2 });
      await ground.start();
      await until("both are told to look", () => a.gaps > gaps[0]! && b.gaps > gaps[1]!);
      await talks(a, b);
      expect(await talks(b, a)).toBe(true);
    });

    test("a node whose connection is cut is told to look, and the others what it published meanwhile", async () => {
      const [a, b] = (await joinAll(2)) as [Ear, Ear];
      const gaps = { a: a.gaps, b: b.gaps };
      await a.cut();
      a.bus.publish({ space: shop, seq: 7 });
      await until("it is told to look", () => a.gaps > gaps.a);
      await until("the other is told", () => knows(b, { space: shop, seq: 7 }, gaps.b));
      expect(await talks(b, a)).toBe(true);
    });

    test("a connection that dies silently is noticed within seconds, and opened again", async () => {
      const [a, b] = (await joinAll(2)) as [Ear, Ear];
      const gaps = { a: a.gaps, b: b.gaps };
      a.blackhole();
      a.bus.publish({ space: shop, seq: 7 });
      await new Promise((resolve) => setTimeout(resolve, 6_000));
      a.heal();
      await until("it is told to look", () => a.gaps > gaps.a, 5_000);
      await until("the other is told", () => knows(b, { space: shop, seq: 7 }, gaps.b));
      expect(await talks(b, a)).toBe(true);
    });

    test("what strangers write makes no hint of it, and those after it arrive", async () => {
      if (ground.inject === null) return;
      const [a, b] = (await joinAll(2)) as [Ear, Ear];
      for (const payload of hostile) await ground.inject(payload);
      await talks(a, b);
      expect(b.hints.filter(({ space }) => space !== spaceOf(9))).toEqual([]);
    });

    test("a flood of one space is a few hints, the last one among them", async () => {
      const [a, b] = (await joinAll(2)) as [Ear, Ear];
      const before = b.gaps;
      for (let seq = 1; seq <= 100_000; seq += 1) a.bus.publish({ space: shop, seq });
      await until("the last arrives", () => knows(b, { space: shop, seq: 100_000 }, before));
      expect(b.hints.length).toBeLessThan(100);
    });

    test("a flood of spaces, 100,000 in a second, is told as hints or as a reason to look", async () => {
      const [a, b] = (await joinAll(2)) as [Ear, Ear];
      const before = b.gaps;
      for (let slice = 0; slice < 20; slice += 1) {
        for (let at = 0; at < 5_000; at += 1) {
          a.bus.publish({ space: spaceOf(slice * 5_000 + at), seq: 1 });
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await until("all is told", () => b.gaps > before || b.hints.length === 100_000);
      expect(await talks(a, b)).toBe(true);
    });

    test("more spaces at once than have room is one reason to look at everything", async () => {
      const [a, b] = (await joinAll(2)) as [Ear, Ear];
      const before = b.gaps;
      for (let at = 0; at < 50_000; at += 1) a.bus.publish({ space: spaceOf(at), seq: 1 });
      await until("all is told", () => b.gaps > before);
      expect(b.hints.length).toBeLessThan(20_000);
    });

    test("a hint reaches all others, with its space and seq, and not whoever gave it", async () => {
      const [a, b, c] = (await joinAll(3)) as [Ear, Ear, Ear];
      a.bus.publish({ space: shop, seq: 4_711 });
      for (const ear of [b, c]) {
        await until("it arrives", () => ear.hints.length > 0);
        expect(ear.hints).toEqual([{ space: shop, seq: 4_711 }]);
      }
      await talks(b, a);
      expect(a.hints.filter(({ space }) => space === shop)).toEqual([]);
    });

    test("a seq below one that was told before is told: a restored database counts from lower", async () => {
      const [a, b] = (await joinAll(2)) as [Ear, Ear];
      const told = (seq: number) => () => b.hints.at(-1)?.seq === seq;
      a.bus.publish({ space: shop, seq: 100 });
      await until("it arrives", told(100));
      a.bus.publish({ space: shop, seq: 3 });
      await until("the lower arrives", told(3));
      a.bus.publish({ space: shop, seq: 0 });
      expect(await until("the lowest arrives", told(0))).toBe(true);
    });

    test("the longest name of a space arrives whole, and so do very many", async () => {
      const [a, b] = (await joinAll(2)) as [Ear, Ear];
      const long = (number: number) => `${"x".repeat(57)}-${String(number).padStart(5, "0")}`;
      const seq = Number.MAX_SAFE_INTEGER;
      for (let at = 0; at < 1_000; at += 1) a.bus.publish({ space: long(at) as SpaceId, seq });
      await until("all arrive", () => b.hints.length === 1_000);
      expect(new Set(b.hints.map(({ space }) => space)).size).toBe(1_000);
      expect(b.hints.every((hint) => hint.seq === seq)).toBe(true);
    });

    test("who no longer listens is told nothing; the others are", async () => {
      const [a, b] = (await joinAll(2)) as [Ear, Ear];
      const told: Hint[] = [];
      const stop = b.bus.listen({ onHint: (hint) => void told.push(hint), onGap: () => {} });
      a.bus.publish({ space: shop, seq: 1 });
      await until("it arrives", () => told.length > 0);
      stop();
      stop();
      await talks(a, b);
      expect(told).toEqual([{ space: shop, seq: 1 }]);
    });

    test("closes twice, also while its medium is down, and then says and hears nothing", async () => {
      const [a, b] = (await joinAll(2)) as [Ear, Ear];
      await Promise.all([b.bus.close(), b.bus.close()]);
      await b.bus.close();
      const heard = b.hints.length + b.gaps;
      b.bus.publish({ space: shop, seq: 1 });
      await ground.stop();
      const late = await join();
      await a.bus.close();
      await late.bus.close();
      await ground.start();
      const [c, d] = (await joinAll(2)) as [Ear, Ear];
      await talks(c, d);
      expect(b.hints.length + b.gaps).toBe(heard);
      expect(late.hints).toEqual([]);
      expect(d.hints.filter(({ space }) => space === shop)).toEqual([]);
    });
  });
};
