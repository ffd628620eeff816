import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { type BrowserContext, chromium } from "playwright-core";

/** A Chromium of its own, with a profile on the disk, that can be killed as a power cut would. */
export type ChromiumProcess = {
  readonly context: BrowserContext;
  /** SIGKILL to it and to all of its children; resolves when it is gone. */
  readonly kill: () => Promise<void>;
};

const addressOf = async (browser: ChildProcess): Promise<string> => {
  if (browser.stderr === null) throw new Error("its standard error is a pipe");
  for await (const line of createInterface({ input: browser.stderr })) {
    const [, address] = /^DevTools listening on (ws:\S+)/.exec(line) ?? [];
    if (address !== undefined) return address;
  }
  throw new Error("Chromium ended before it said where it listens");
};

export const startChromium = async (profile: string): Promise<ChromiumProcess> => {
  const browser = spawn(
    "/usr/bin/chromium",
    [
      "--headless=new",
      "--no-sandbox",
      "--no-first-run",
      "--disable-gpu",
      "--remote-debugging-port=0",
      `--user-data-dir=${profile}`,
      "about:blank",
    ],
    // A process group of its own: its children go with it.
    { detached: true, stdio: ["ignore", "ignore", "pipe"] },
  );
  const exited = once(browser, "exit");
  const address = await addressOf(browser);
  browser.stderr.resume();
  const connected = await chromium.connectOverCDP(address);
  const [context] = connected.contexts();
  if (context === undefined) throw new Error("it has no profile open");
  return {
    context,
    kill: async () => {
      if (browser.pid !== undefined) process.kill(-browser.pid, "SIGKILL");
      await exited;
      await connected.close().catch(() => {});
    },
  };
};
