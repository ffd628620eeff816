import { describe, expect, test } from "vitest";
import {
  actionsIn,
  admitted,
  at,
  by,
  type ControlHarness,
  createControlOpener,
  deviceId,
  grants,
  invitation,
  otherShop,
  shop,
} from "./control-harness.contract.ts";
import type { AccessState, AuditEntry, ControlStore } from "./control-store.ts";

const entry = (number: number, more: Partial<AuditEntry> = {}): AuditEntry => ({
  at: at(number),
  actor: "cli:ann@desk",
  action: "token.mint",
  target: `t${number}`,
  space: null,
  detail: {},
  ...more,
});

/** What decisions depend on, the log, and the lifetime of a store. */
export const describeControlAccess = (harness: ControlHarness): void => {
  const open = createControlOpener(harness);

  describe("what decisions depend on", () => {
    test("is the same object while nothing changes, its own reads and refused calls included", async () => {
      const { store } = await open();
      await store.createInvitation(invitation("one"), by(0));
      const before = await store.readAccess();
      expect(before).toEqual({
        deletedSpaces: new Set(),
        recordsMax: new Map(),
        revokedTokens: new Set(),
        revokedDevices: new Set(),
      });
      await store.listSpaces();
      await store.listDevices(null);
      await store.listAudit({ space: null, before: null, limit: 9 });
      await store.findDevice(deviceId(1));
      await store.renew(deviceId(1), "s", at(1));
      expect(await store.readAccess()).toBe(before);
    });

    test("[SPACE-3] [DEVICE-7] [DEVICE-12] is new at once, in this opening and in every other", async () => {
      const { store, beside } = await open();
      const other = await beside();
      await store.createInvitation(invitation("one"), by(0));
      const { id } = await admitted(store, { code: "one", secret: "s" }, deviceId(1));
      const expected: { -readonly [name in keyof AccessState]: AccessState[name] } = {
        deletedSpaces: new Set(),
        recordsMax: new Map(),
        revokedTokens: new Set(),
        revokedDevices: new Set(),
      };
      const check = async (): Promise<void> => {
        expect(await store.readAccess()).toEqual(expected);
        expect(await other.readAccess()).toEqual(expected);
      };
      const token = (tokenId: string) => ({ tokenId, expiresAt: at(3_600) });
      const steps: (() => Promise<unknown>)[] = [
        () => store.createSpace({ id: shop, title: shop, recordsMax: 5 }, by(1)),
        () => other.deleteSpace(shop, by(2)),
        () => other.revokeToken(token("t1"), by(3)),
        () => store.revokeDevice(id, by(4)),
        () => store.changeSpace(otherShop, { recordsMax: 0 }, by(5)),
        () => store.undeleteSpace(shop, by(6)),
        () => store.revokeToken(token("t2"), by(7)),
        () => other.changeSpace(shop, { recordsMax: null }, by(8)),
      ];
      const after: Partial<AccessState>[] = [
        { recordsMax: new Map([[shop, 5]]) },
        { deletedSpaces: new Set([shop]) },
        { revokedTokens: new Set(["t1"]) },
        { revokedDevices: new Set([id]) },
        {
          recordsMax: new Map([
            [shop, 5],
            [otherShop, 0],
          ]),
        },
        { deletedSpaces: new Set() },
        { revokedTokens: new Set(["t1", "t2"]) },
        { recordsMax: new Map([[otherShop, 0]]) },
      ];
      await check();
      for (const [index, step] of steps.entries()) {
        await step();
        Object.assign(expected, after[index]);
        await check();
      }
    });

    test("[DEVICE-12] a token is revoked once, until the later of its ends, and its entry goes long after", async () => {
      const { store } = await open();
      const revoke = (tokenId: string, ends: number, seconds: number): Promise<void> =>
        store.revokeToken({ tokenId, expiresAt: at(ends) }, by(seconds));
      const day = 86_400;
      const revoked = async () => [...(await store.readAccess()).revokedTokens].toSorted();
      await revoke("t1", 100, 1);
      await revoke("t1", 100, 2);
      await revoke("t1", 50, 3);
      expect(await actionsIn(store)).toEqual(["token.revoke t1"]);
      await revoke("t1", 200, 4);
      await revoke("t2", 9 * day, 200 + day);
      expect(await revoked()).toEqual(["t1", "t2"]);
      await revoke("t3", 9 * day, 201 + day);
      expect(await revoked()).toEqual(["t2", "t3"]);
    });
  });

  describe("the log", () => {
    test("[AUDIT-1] an action that fails leaves no entry", async () => {
      const { store } = await open();
      await store.createInvitation(invitation("one"), by(0));
      await expect(store.createInvitation(invitation("one"), by(1))).rejects.toThrow(Error);
      expect(await actionsIn(store)).toEqual(["invite.create one"]);
    });

    test("[AUDIT-2] entries are numbered upwards, over all openings, and listed newest first", async () => {
      const { store, beside } = await open();
      const other = await beside();
      for (let number = 1; number <= 6; number += 1) {
        await (number % 2 === 0 ? other : store).audit(entry(number));
      }
      const listed = await store.listAudit({ space: null, before: null, limit: 9 });
      expect(listed.map(({ target }) => target)).toEqual(["t6", "t5", "t4", "t3", "t2", "t1"]);
      const numbers = listed.map(({ number }) => number);
      expect(numbers).toEqual(numbers.toSorted((a, b) => b - a));
      expect(new Set(numbers).size).toBe(6);
    });

    test("[AUDIT-4] a page ends at its limit, and the next begins below the number that it ended with", async () => {
      const { store } = await open();
      for (let number = 1; number <= 5; number += 1) {
        await store.audit(entry(number, { space: number === 2 ? otherShop : shop }));
      }
      const page = (before: number | null, limit = 2, space: typeof shop | null = null) =>
        store.listAudit({ space, before, limit });
      const targets: string[] = [];
      let before: number | null = null;
      for (;;) {
        const entries: Awaited<ReturnType<typeof page>> = await page(before);
        if (entries.length === 0) break;
        expect(entries.length).toBeLessThanOrEqual(2);
        targets.push(...entries.map(({ target }) => target));
        before = entries.at(-1)?.number ?? null;
      }
      expect(targets).toEqual(["t5", "t4", "t3", "t2", "t1"]);
      expect((await page(null, 9, otherShop)).map(({ target }) => target)).toEqual(["t2"]);
      const third = (await page(null, 9)).find(({ target }) => target === "t3");
      expect((await page(third?.number ?? 0, 9, shop)).map(({ target }) => target)).toEqual(["t1"]);
    });

    test("[AUDIT-1] [AUDIT-4] an entry tells when, who, what, to what and where; of several spaces it is nobody's", async () => {
      const { store } = await open();
      const held = grants({ [shop]: "write", [otherShop]: "read" });
      const detail = { text: "ö", number: 1.5, yes: true, nothing: null };
      await store.audit(entry(1, { space: shop, detail }));
      await store.createInvitation(invitation("c".repeat(64), { grants: held }), by(2, "ben"));
      await admitted(store, { code: "c".repeat(64), secret: "s".repeat(64) }, deviceId(1), 3);
      await store.revokeDevice(deviceId(1), by(4, "ben"));
      const listed = await store.listAudit({ space: null, before: null, limit: 9 });
      expect(listed.toReversed()).toMatchObject([
        entry(1, { space: shop, detail }),
        {
          at: at(2),
          actor: "ben",
          action: "invite.create",
          target: "c".repeat(12),
          space: null,
          detail: {
            grants: "shop-1:write shop-2:read",
            label: "handhelds",
            expires_at: "2026-11-24T10:15:00Z",
            uses: 1,
          },
        },
        {
          at: at(3),
          actor: deviceId(1),
          action: "device.admit",
          target: deviceId(1),
          space: null,
          detail: {
            name: "scanner",
            invitation: "c".repeat(12),
            grants: "shop-1:write shop-2:read",
          },
        },
        {
          at: at(4),
          actor: "ben",
          action: "device.revoke",
          target: deviceId(1),
          space: null,
          detail: { name: "scanner" },
        },
      ]);
    });

    test("[AUDIT-3] neither the hash of a code nor that of a secret stands in it whole", async () => {
      const { store } = await open();
      const [code, secret] = ["c".repeat(64), "5".repeat(64)];
      await store.createInvitation(invitation(code), by(0));
      await admitted(store, { code, secret }, deviceId(1));
      await store.renew(deviceId(1), secret, at(99));
      await store.revokeDevice(deviceId(1), by(100));
      const log = JSON.stringify(await store.listAudit({ space: null, before: null, limit: 9 }));
      expect(log).not.toContain(code.slice(0, 13));
      expect(log).not.toContain(secret.slice(0, 8));
    });
  });

  describe("opening and closing", () => {
    test("close may be called again; every other call fails from then on", async () => {
      const { store } = await open();
      await Promise.all([store.close(), store.close()]);
      await store.close();
      const space = { id: shop, title: shop, recordsMax: null };
      const calls: (() => Promise<unknown>)[] = [
        () => store.readAccess(),
        () => store.listSpaces(),
        () => store.createSpace(space, by(1)),
        () => store.changeSpace(shop, {}, by(1)),
        () => store.deleteSpace(shop, by(1)),
        () => store.undeleteSpace(shop, by(1)),
        () => store.forgetSpace(shop, by(1)),
        () => store.createInvitation(invitation("one"), by(1)),
        () => store.admit({ codeHash: "c", secretHash: "s", name: "n" }, deviceId(1), at(1)),
        () => store.renew(deviceId(1), "s", at(1)),
        () => store.findDevice(deviceId(1)),
        () => store.listDevices(null),
        () => store.revokeDevice(deviceId(1), by(1)),
        () => store.revokeToken({ tokenId: "t", expiresAt: at(1) }, by(1)),
        () => store.audit(entry(1)),
        () => store.listAudit({ space: null, before: null, limit: 1 }),
      ];
      expect(calls.length + 1).toBe(methodsOf(store).length);
      for (const call of calls) await expect(call()).rejects.toThrow("control store is closed");
    });

    test("what was answered is there after the next opening", async () => {
      const { store, beside } = await open();
      await store.createSpace({ id: shop, title: "Malmö", recordsMax: 3 }, by(1));
      await store.createInvitation(invitation("one"), by(1));
      const device = await admitted(store, { code: "one", secret: "s" }, deviceId(1));
      await store.deleteSpace(shop, by(2));
      const [spaces, access] = [await store.listSpaces(), await store.readAccess()];
      const log = await store.listAudit({ space: null, before: null, limit: 9 });
      await store.close();
      const next = await beside();
      expect(await next.listSpaces()).toEqual(spaces);
      expect(await next.readAccess()).toEqual(access);
      expect(await next.listDevices(null)).toEqual([device]);
      expect(await next.listAudit({ space: null, before: null, limit: 9 })).toEqual(log);
    });
  });
};

const methodsOf = (store: ControlStore): readonly string[] =>
  Object.getOwnPropertyNames(Object.getPrototypeOf(store)).filter((name) => name !== "constructor");
