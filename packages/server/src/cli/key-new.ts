import { createKey } from "../access/create-key.ts";
import { editKeyFile } from "../access/edit-key-file.ts";
import { keyAlgorithms } from "../access/read-keys.ts";
import { auditAt } from "../compose-control.ts";
import { readChoice, requireText } from "../config/argument-values.ts";
import { keysFlag } from "../config/settings.ts";
import { systemRuntime } from "../system-runtime.ts";
import { cliActor } from "./cli-actor.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { dataPlaceFlags, readDataPlace } from "../config/data-place.ts";

/** Makes a key and puts it first, so that it signs from now on. */
export const keyNew = defineCommand({
  flags: {
    alg: {
      variable: null,
      value: "ALG",
      help: `${keyAlgorithms.join(" or ")} (${keyAlgorithms[0]})`,
    },
    keys: { ...keysFlag, help: "the key file; made where there is none" },
    ...dataPlaceFlags,
    data: { ...dataPlaceFlags.data, help: "folder whose log notes it, if it is there (./data)" },
  },
  notes: [
    "To rotate: make a key, wait until the tokens of the old one have expired, drop the old one.",
    "Servers read the file again within seconds; nothing is restarted.",
  ],
  run: async (args, terminal) => {
    const path = requireText(args.value("keys"), "--keys");
    const algorithm = readChoice(args.value("alg"), keyAlgorithms) ?? keyAlgorithms[0];
    const key = createKey(algorithm, systemRuntime);
    const keys = await editKeyFile(path, (others) => [key, ...others]);
    await auditAt(readDataPlace(args, terminal.environment), {
      ...cliActor(systemRuntime),
      action: "key.new",
      target: key.kid,
      space: null,
      detail: { alg: algorithm },
    });
    const others = keys.byId.size - 1;
    const rotate =
      others === 0
        ? ""
        : `The ${others === 1 ? "older key still checks" : `${others} older keys still check`} tokens: when those of one have expired, synchro key drop KID.\n`;
    terminal.print(
      `Key ${key.kid} (${algorithm}) now signs; it stands first in ${path}.\n${rotate}`,
    );
    return exitCodes.ok.code;
  },
});
