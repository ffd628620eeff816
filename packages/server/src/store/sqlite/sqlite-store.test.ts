import { describeStoreContract } from "../store.contract.ts";
import { fileHarness, memoryHarness } from "./sqlite-harness.contract.ts";

describeStoreContract("SqliteStore in memory", memoryHarness);
describeStoreContract("SqliteStore on a file, written on this thread", fileHarness("inline"));
