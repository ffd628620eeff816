import { describeShare } from "./describe-share.contract.ts";

describeShare({ engine: "sqlite", from: 4001, seeds: 500 });
