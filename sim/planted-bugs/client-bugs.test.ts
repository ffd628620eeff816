import { applyingBugs } from "./applying.ts";
import { describeBugs } from "./describe-bugs.contract.ts";
import { sendingBugs } from "./sending.ts";

describeBugs([...applyingBugs, ...sendingBugs]);
