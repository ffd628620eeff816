import { describeAgreement } from "../engines-agree.contract.ts";
import { postgresHarness } from "./postgres-harness.contract.ts";
import { withRenamedEpochs } from "./renamed-epochs.contract.ts";

describeAgreement("PostgreSQL", withRenamedEpochs(postgresHarness), 30);
