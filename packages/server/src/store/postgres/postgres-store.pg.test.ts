import { describeStoreContract } from "../store.contract.ts";
import { postgresHarness } from "./postgres-harness.contract.ts";

describeStoreContract("PostgresStore", postgresHarness);
