import { applyingBugs } from "./applying.ts";
import { describeBugs } from "./describe-bugs.contract.ts";
import { keepingBugs } from "./keeping.ts";
import { sendingBugs } from "./sending.ts";

describeBugs([...applyingBugs, ...keepingBugs, ...sendingBugs]);
