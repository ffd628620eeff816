import { loadKeys } from "../access/key-ring.ts";
import { readKeySource, keysFlag } from "../config/settings.ts";
import { refuseUsage } from "../config/arguments.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";

/** Lists keys by id, algorithm and use; never what they are. */
export const keyList = defineCommand({
  flags: { keys: keysFlag },
  run: async (args, terminal) => {
    const source = readKeySource(args, terminal.environment) ?? refuseUsage("--keys is missing");
    const { byId, minting } = await loadKeys(source);
    const width = Math.max(...[...byId.keys()].map((id) => id.length));
    for (const { id, algorithm, signing } of byId.values()) {
      const use = signing === null ? "checks (public part only)" : "checks";
      const told = id === minting?.id ? "signs and checks" : use;
      terminal.print(`${id.padEnd(width)}  ${algorithm}  ${told}\n`);
    }
    return exitCodes.ok.code;
  },
});
