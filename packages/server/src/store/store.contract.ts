import { describe } from "vitest";
import { describeCommits } from "./store-commit.contract.ts";
import { describeEpochs } from "./store-epoch.contract.ts";
import type { StoreHarness } from "./store-harness.contract.ts";
import { describeErasure } from "./store-erase.contract.ts";
import { describeKeeping } from "./store-keeping.contract.ts";
import { describeFields } from "./store-fields.contract.ts";
import { describeLifetime } from "./store-lifetime.contract.ts";
import { describePull } from "./store-pull.contract.ts";
import { describePurge } from "./store-purge.contract.ts";
import { describePush } from "./store-push.contract.ts";
import { describeSnapshots } from "./store-snapshot.contract.ts";
import { describeSpaces } from "./store-spaces.contract.ts";

/**
 * What every engine guarantees, and what `store.ts` says in prose. An engine that differs in
 * anything but its declared capabilities fails here.
 */
export const describeStoreContract = (name: string, harness: StoreHarness): void => {
  describe(`${name} keeps the contract of a store`, () => {
    describePush(harness);
    describeCommits(harness);
    describeFields(harness);
    describePull(harness);
    describeEpochs(harness);
    describeSpaces(harness);
    describeKeeping(harness);
    describePurge(harness);
    describeErasure(harness);
    describeSnapshots(harness);
    describeLifetime(harness);
  });
};
