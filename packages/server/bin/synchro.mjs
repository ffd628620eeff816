#!/usr/bin/env node
// The door to the CLI. It must parse, and speak plainly, on a Node that is too old for the rest:
// no static imports, no `?.` or `??`, no top-level await.

/** Why this Node can't run what lies behind the door, in one line; null where it can. */
function refusal(isCheckout) {
  const version = process.versions.node;
  const parts = version.split(".");
  if (Number(parts[0]) < 24 || (parts[0] === "24" && Number(parts[1]) < 9)) {
    return (
      "synchro needs Node 24.9 or newer; this is Node " +
      version +
      (isCheckout
        ? '. Run "npm ci" (it brings its own) and start with "npm start", or install a newer Node.'
        : ". Install a newer Node.")
    );
  }
  if (isCheckout && !import.meta.resolve("@synchro/core").endsWith("/src/index.ts")) {
    return 'synchro: in a checkout, start with "npm start" or "npm run synchro -- <command>".';
  }
  return null;
}

function open() {
  return import("node:fs").then(({ existsSync }) => {
    // In a checkout the source runs as it is; in an installed package it has been compiled.
    const source = new URL("../src/cli/main.ts", import.meta.url);
    const isCheckout = existsSync(source);
    const reason = refusal(isCheckout);
    if (reason !== null) {
      process.stderr.write(reason + "\n");
      process.exitCode = 1;
      return undefined;
    }
    return import(isCheckout ? source.href : "../dist/cli/main.js");
  });
}

void open();
