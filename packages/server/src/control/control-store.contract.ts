import { describe } from "vitest";
import { describeControlAccess } from "./control-access.contract.ts";
import { describeControlDevices } from "./control-devices.contract.ts";
import type { ControlHarness } from "./control-harness.contract.ts";
import { describeControlSpaces } from "./control-spaces.contract.ts";

/** What every engine of a control store guarantees, and what `control-store.ts` says in prose. */
export const describeControlContract = (name: string, harness: ControlHarness): void => {
  describe(`${name} keeps the contract of a control store`, () => {
    describeControlSpaces(harness);
    describeControlDevices(harness);
    describeControlAccess(harness);
  });
};
