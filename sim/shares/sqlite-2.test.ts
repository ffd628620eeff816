import { describeShare } from "./describe-share.contract.ts";

describeShare({ engine: "sqlite", from: 4501, seeds: 500 });
