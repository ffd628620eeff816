import { describeShare } from "./describe-share.contract.ts";

describeShare({ engine: "memory", from: 2001, seeds: 1_000 });
