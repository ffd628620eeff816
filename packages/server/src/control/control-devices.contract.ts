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

const shown = (code: string, secret: string) => ({ codeHash: code, secretHash: secret, name: "x" });

/** Invitations, and the devices that they let in. */
export const describeControlDevices = (harness: ControlHarness): void => {
  const open = createControlOpener(harness);

  describe("invitations", () => {
    test("[DEVICE-3] an unknown code, one that is used up and one that has expired let nobody in", async () => {
      const { store } = await open();
      await store.createInvitation(invitation("once"), by(0));
      await store.createInvitation(invitation("late"), by(0));
      await admitted(store, { code: "once", secret: "s1" }, deviceId(1));
      for (const [code, seconds] of [
        ["none", 1],
        ["once", 2],
        ["late", 900],
        ["late", 901],
      ] as const) {
        const outcome = await store.admit(shown(code, "s2"), deviceId(2), at(seconds));
        expect({ code, outcome }).toEqual({ code, outcome: { kind: "refused" } });
      }
      expect(await store.listDevices(null)).toHaveLength(1);
      expect(await actionsIn(store)).toEqual([
        `device.admit ${deviceId(1)}`,
        "invite.create late",
        "invite.create once",
      ]);
    });

    test("[DEVICE-3] a code lets in as many as it says, and no more", async () => {
      const { store } = await open();
      await store.createInvitation(invitation("three", { usesLeft: 3 }), by(0));
      for (const number of [1, 2, 3]) {
        await admitted(store, { code: "three", secret: `s${number}` }, deviceId(number));
      }
      const fourth = await store.admit(shown("three", "s4"), deviceId(4), at(2));
      expect(fourth).toEqual({ kind: "refused" });
    });

    test("[DEVICE-3] of two openings that use the last of a code at once one lets in", async () => {
      const { store, beside } = await open();
      const other = await beside();
      await store.createInvitation(invitation("once"), by(0));
      const outcomes = await Promise.all([
        store.admit(shown("once", "s1"), deviceId(1), at(1)),
        other.admit(shown("once", "s2"), deviceId(2), at(1)),
      ]);
      expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual(["admitted", "refused"]);
    });

    test("[DEVICE-5] the same code and secret again are the same device, also when the code is used up or expired", async () => {
      const { store, beside } = await open();
      await store.createInvitation(invitation("twice", { usesLeft: 2 }), by(0));
      const first = await admitted(store, { code: "twice", secret: "s1", name: "a" }, deviceId(1));
      const again = { code: "twice", secret: "s1", name: "b" };
      expect(await admitted(await beside(), again, deviceId(2), 2)).toEqual(first);
      await admitted(store, { code: "twice", secret: "s2" }, deviceId(3), 3);
      expect(await admitted(store, again, deviceId(4), 5_000)).toEqual(first);
      // Nor is it lost with the invitation.
      await store.createInvitation(invitation("other", { expiresAt: at(9_000) }), by(6_000));
      expect(await admitted(store, again, deviceId(5), 7_000)).toEqual(first);
      expect((await store.listDevices(null)).map(({ id }) => id)).toEqual([
        deviceId(3),
        deviceId(1),
      ]);
      const admissions = (await actionsIn(store)).filter((line) => line.startsWith("device."));
      expect(admissions).toHaveLength(2);
    });

    test("[DEVICE-5] the same secret with another code is another device", async () => {
      const { store } = await open();
      await store.createInvitation(invitation("one"), by(0));
      const two = invitation("two", { grants: grants({ [otherShop]: "read" }) });
      await store.createInvitation(two, by(0));
      const first = await admitted(store, { code: "one", secret: "s" }, deviceId(1));
      const second = await admitted(store, { code: "two", secret: "s" }, deviceId(2));
      expect(second.id).toBe(deviceId(2));
      expect([...first.grants]).toEqual([[shop, "write"]]);
      expect([...second.grants]).toEqual([[otherShop, "read"]]);
      expect((await store.renew(deviceId(1), "s", at(2)))?.id).toBe(deviceId(1));
      expect((await store.renew(deviceId(2), "s", at(2)))?.id).toBe(deviceId(2));
    });
  });

  describe("devices", () => {
    test("[DEVICE-6] none is renewed by another's secret, or without being there", async () => {
      const { store } = await open();
      await store.createInvitation(invitation("two", { usesLeft: 2 }), by(0));
      await admitted(store, { code: "two", secret: "s1" }, deviceId(1));
      await admitted(store, { code: "two", secret: "s2" }, deviceId(2));
      expect(await store.renew(deviceId(1), "s2", at(99))).toBeNull();
      expect(await store.renew(deviceId(3), "s1", at(99))).toBeNull();
      expect((await store.findDevice(deviceId(1)))?.renewedAt).toBe(at(1));
    });

    test("[DEVICE-7] a revoked one is neither renewed nor let in again; revoking twice is revoking once", async () => {
      const { store, beside } = await open();
      await store.createInvitation(invitation("two", { usesLeft: 2 }), by(0));
      const device = await admitted(store, { code: "two", secret: "s" }, deviceId(1));
      expect(await store.revokeDevice(deviceId(2), by(2))).toBeNull();
      const revoked = { ...device, revokedAt: at(3) };
      expect(await store.revokeDevice(device.id, by(3))).toEqual(revoked);
      expect(await (await beside()).revokeDevice(device.id, by(4))).toEqual(revoked);
      expect(await store.renew(device.id, "s", at(99))).toBeNull();
      expect(await store.admit(shown("two", "s"), deviceId(3), at(5))).toEqual({ kind: "refused" });
      expect(await store.findDevice(device.id)).toEqual(revoked);
      expect((await store.readAccess()).revokedDevices).toEqual(new Set([device.id]));
      expect(await actionsIn(store)).toEqual([
        `device.revoke ${device.id}`,
        `device.admit ${device.id}`,
        "invite.create two",
      ]);
    });

    test("[DEVICE-6] renewal is noted to the minute, and leaves no entry in the log", async () => {
      const { store } = await open();
      await store.createInvitation(invitation("one"), by(0));
      const device = await admitted(store, { code: "one", secret: "s" }, deviceId(1));
      expect(await store.renew(device.id, "s", at(60))).toEqual(device);
      expect(await store.renew(device.id, "s", at(61))).toEqual({ ...device, renewedAt: at(61) });
      // A clock that was set back makes nobody younger.
      expect((await store.renew(device.id, "s", at(5)))?.renewedAt).toBe(at(61));
      expect((await store.findDevice(device.id))?.renewedAt).toBe(at(61));
      expect(await actionsIn(store)).toHaveLength(2);
    });

    test("[DEVICE-11] those of a space are the ones that hold it, by name or by holding all", async () => {
      const { store } = await open();
      expect(await store.findDevice(deviceId(1))).toBeNull();
      const held = [
        grants({ [shop]: "write" }),
        grants({ [otherShop]: "read" }),
        grants({ [shop]: "read", [otherShop]: "admin" }),
        grants({ "*": "admin" }),
      ];
      for (const [index, of] of held.entries()) {
        await store.createInvitation(invitation(`c${index}`, { grants: of }), by(0));
        await admitted(store, { code: `c${index}`, secret: "s" }, deviceId(index));
      }
      const idsOf = async (space: typeof shop | null) =>
        (await store.listDevices(space)).map(({ id }) => id);
      expect(await idsOf(shop)).toEqual([deviceId(3), deviceId(2), deviceId(0)]);
      expect(await idsOf(otherShop)).toEqual([deviceId(3), deviceId(2), deviceId(1)]);
      expect(await idsOf(null)).toHaveLength(4);
      expect((await store.findDevice(deviceId(2)))?.grants).toEqual(held[2]);
    });
  });
};
