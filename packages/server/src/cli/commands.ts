import type { CommandEntry } from "./command.ts";

/** Every command, in the order of `--help`. A name is one word or two. */
export const commands: { readonly [name: string]: CommandEntry } = {
  serve: {
    summary: "run the server (it migrates its database first)",
    load: async () => (await import("./serve.ts")).serve,
  },
  migrate: {
    summary: "bring the database to this program's version, and end",
    load: async () => (await import("./migrate.ts")).migrate,
  },
};
