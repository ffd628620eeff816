import type { SpaceId } from "@synchro/core";
import { describe, expect, test } from "vitest";
import {
  actionsIn,
  at,
  by,
  type ControlHarness,
  createControlOpener,
  otherShop,
  shop,
} from "./control-harness.contract.ts";

const entry = {
  id: shop,
  title: "Malmö",
  recordsMax: null,
  createdAt: at(1),
  deletedAt: null,
};

/** Spaces that an operator has made, named or deleted. */
export const describeControlSpaces = (harness: ControlHarness): void => {
  const open = createControlOpener(harness);
  const openWithShop = async () => {
    const { store } = await open();
    await store.createSpace({ id: shop, title: "Malmö", recordsMax: null }, by(1));
    return store;
  };

  describe("spaces", () => {
    test("[SPACE-2] one that has an entry is not made again, deleted or not", async () => {
      const store = await openWithShop();
      const again = { id: shop, title: "Lund", recordsMax: 9 };
      expect(await store.createSpace(again, by(2))).toEqual({ kind: "exists", space: entry });
      await store.deleteSpace(shop, by(3));
      expect(await store.createSpace(again, by(4))).toEqual({
        kind: "exists",
        space: { ...entry, deletedAt: at(3) },
      });
      expect(await store.listSpaces()).toEqual([{ ...entry, deletedAt: at(3) }]);
      expect(await actionsIn(store)).toEqual([`space.delete ${shop}`, `space.create ${shop}`]);
    });

    test("[SPACE-3] a deleted one can't be changed, and one without an entry can't come back", async () => {
      const store = await openWithShop();
      expect(await store.undeleteSpace(otherShop, by(2))).toEqual({ kind: "absent" });
      await store.deleteSpace(shop, by(3));
      expect(await store.changeSpace(shop, { title: "Lund" }, by(4))).toEqual({ kind: "absent" });
      expect((await store.listSpaces()).map(({ title }) => title)).toEqual(["Malmö"]);
      expect(await actionsIn(store)).toEqual([`space.delete ${shop}`, `space.create ${shop}`]);
    });

    test("[SPACE-3] deleting twice is deleting once, and so is taking it back", async () => {
      const store = await openWithShop();
      const deleted = { kind: "done", space: { ...entry, deletedAt: at(2) } };
      expect(await store.deleteSpace(shop, by(2))).toEqual(deleted);
      expect(await store.deleteSpace(shop, by(3))).toEqual(deleted);
      expect(await store.undeleteSpace(shop, by(4))).toEqual({ kind: "done", space: entry });
      expect(await store.undeleteSpace(shop, by(5))).toEqual({ kind: "done", space: entry });
      expect(await actionsIn(store)).toEqual([
        `space.undelete ${shop}`,
        `space.delete ${shop}`,
        `space.create ${shop}`,
      ]);
    });

    test("[SPACE-1] one that exists by its records gets its entry with the first change or deletion", async () => {
      const { store } = await open();
      expect(await store.changeSpace(shop, { recordsMax: 5 }, by(1))).toEqual({
        kind: "done",
        space: { ...entry, title: shop, recordsMax: 5 },
      });
      expect(await store.deleteSpace(otherShop, by(2))).toEqual({
        kind: "done",
        space: {
          id: otherShop,
          title: otherShop,
          recordsMax: null,
          createdAt: at(2),
          deletedAt: at(2),
        },
      });
      expect(await actionsIn(store)).toEqual([`space.delete ${otherShop}`, `space.change ${shop}`]);
    });

    test("[AUDIT-1] a change to what is so already leaves no entry", async () => {
      const store = await openWithShop();
      for (const change of [{}, { title: "Malmö" }, { recordsMax: null }]) {
        expect(await store.changeSpace(shop, change, by(2))).toEqual({
          kind: "done",
          space: entry,
        });
      }
      expect(await actionsIn(store)).toEqual([`space.create ${shop}`]);
    });

    test("[SPACE-1] title and quota change, each alone; the id and the time of making don't", async () => {
      const store = await openWithShop();
      await store.changeSpace(shop, { recordsMax: 7 }, by(2));
      await store.changeSpace(shop, { title: "Lund" }, by(3));
      expect(await store.listSpaces()).toEqual([{ ...entry, title: "Lund", recordsMax: 7 }]);
      await store.changeSpace(shop, { recordsMax: null }, by(4));
      expect(await store.listSpaces()).toEqual([{ ...entry, title: "Lund" }]);
    });

    test("only a deleted one is forgotten, and its id is free again", async () => {
      const store = await openWithShop();
      expect(await store.forgetSpace(otherShop, by(2))).toEqual({ kind: "absent" });
      expect(await store.forgetSpace(shop, by(2))).toEqual({ kind: "exists", space: entry });
      await store.deleteSpace(shop, by(3));
      expect(await store.forgetSpace(shop, by(4))).toMatchObject({ kind: "done" });
      expect(await store.listSpaces()).toEqual([]);
      const again = { id: shop, title: "Lund", recordsMax: null };
      expect(await store.createSpace(again, by(5))).toMatchObject({ kind: "done" });
      expect((await actionsIn(store)).slice(0, 2)).toEqual([
        `space.create ${shop}`,
        `space.forget ${shop}`,
      ]);
    });

    test("[SPACE-5] they are listed by id, whatever their titles are", async () => {
      const { store } = await open();
      const ids = ["b", "a-2", "a.1", "a", "a_3", "9"] as SpaceId[];
      for (const id of ids) {
        await store.createSpace({ id, title: "'; -- \u{1F355} ", recordsMax: null }, by(1));
      }
      const listed = await store.listSpaces();
      expect(listed.map(({ id }) => id)).toEqual(["9", "a", "a-2", "a.1", "a_3", "b"]);
      expect(listed[0]?.title).toBe("'; -- \u{1F355} ");
    });
  });
};
