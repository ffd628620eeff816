import { describeShare } from "./describe-share.contract.ts";

describeShare({ engine: "memory", from: 1, seeds: 1_000 });
