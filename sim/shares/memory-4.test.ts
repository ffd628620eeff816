import { describeShare } from "./describe-share.contract.ts";

describeShare({ engine: "memory", from: 3001, seeds: 1_000 });
