#!/usr/bin/env node
// The door to the CLI. It must parse, and speak plainly, on a Node that is too old for the rest:
// no static imports, no `?.` or `??`, no top-level await.

/** Why this Node can't run what lies behind the door, in one line; null where it can. */
function refusal() {
  const version = process.versions.node;
  if (Number(version.split(".")[0]) < 24) {
    return (
      "synchro needs Node 24 or newer; this is Node " +
      version +
      '. Run "npm ci" (it brings its own) and start with "npm start", or install a newer Node.'
    );
  }
  return null;
}

function open() {
  return import("node:fs").then(({ existsSync }) => {
    // In a checkout the source runs as it is; in an installed package it has been compiled.
    const source = new URL("../src/cli/main.ts", import.meta.url);
    if (!existsSync(source)) return import("../dist/cli/main.js");
    if (!import.meta.resolve("@synchro/core").endsWith("/src/index.ts")) {
      process.stderr.write(
        'synchro: in a checkout, start with "npm start" or "npm run synchro -- <command>".\n',
      );
      process.exitCode = 1;
      return undefined;
    }
    return import(source.href);
  });
}

const reason = refusal();
if (reason === null) {
  void open();
} else {
  process.stderr.write(reason + "\n");
  process.exitCode = 1;
}
