import { editKeyFile } from "../access/edit-key-file.ts";
import { auditAt } from "../compose-control.ts";
import { requireText } from "../config/argument-values.ts";
import { nameHint } from "../config/closest-name.ts";
import { keysFlag } from "../config/settings.ts";
import { StartError } from "../config/start-error.ts";
import { systemRuntime } from "../system-runtime.ts";
import { cliActor } from "./cli-actor.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { dataPlaceFlags, readDataPlace } from "../config/data-place.ts";

/** Takes a key out: every token that it signed is refused from then on. */
export const keyDrop = defineCommand({
  operands: [{ name: "KID", help: "the key's id, as synchro key list tells it" }],
  flags: {
    keys: { ...keysFlag, help: "the key file" },
    ...dataPlaceFlags,
    data: { ...dataPlaceFlags.data, help: "folder whose log notes it, if it is there (./data)" },
  },
  notes: ["Servers refuse the tokens of a key that was dropped within seconds."],
  run: async (args, terminal) => {
    const path = requireText(args.value("keys"), "--keys");
    const [kid = ""] = args.operands;
    const { minting } = await editKeyFile(path, (keys) => {
      const left = keys.filter((key) => key["kid"] !== kid);
      if (left.length === keys.length) {
        const known = keys.map((key) => key["kid"] as string);
        throw new StartError(`${path} has no key ${JSON.stringify(kid)}: ${nameHint(kid, known)}`);
      }
      if (left.length > 0) return left;
      throw new StartError(`${kid} is the only key of ${path}: make another with synchro key new`);
    });
    await auditAt(readDataPlace(args, terminal.environment), {
      ...cliActor(systemRuntime),
      action: "key.drop",
      target: kid,
      space: null,
      detail: {},
    });
    const signing =
      minting === null ? "No key that is left can sign: tokens are checked only." : "";
    terminal.print(`Key ${kid} is dropped: its tokens are refused from now on. ${signing}`.trim());
    terminal.print("\n");
    return exitCodes.ok.code;
  },
});
