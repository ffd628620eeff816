import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { addMicros } from "@synchro/core";
import { encode } from "uqr";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type CommandRun, runCommand } from "../../testing/run-command.ts";
import type { ControlStore, Device } from "../control/control-store.ts";
import { drawDeviceId } from "../control/draw-device-id.ts";
import { hashOfSecret, normaliseCode } from "../control/invitation-code.ts";
import {
  controlPath,
  openSqliteControlStore,
} from "../control/sqlite/open-sqlite-control-store.ts";
import { systemRuntime } from "../system-runtime.ts";

let data: string;
let control: ControlStore;

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), "synchro-cli-"));
  control = await openSqliteControlStore({ dataDir: data });
  for (const space of ["shop-1", "shop-2"]) await run("space", "create", space);
});

afterEach(async () => {
  await control.close();
  rmSync(data, { recursive: true, force: true });
});

const run = (...args: readonly string[]): Promise<CommandRun> =>
  runCommand([...args, "--data", data]);

const printed = async (...args: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
};

const codeIn = (text: string): string => /^Code +(\S+)$/m.exec(text)?.[1] ?? "";

/** A device that shows a code to a server over the same data. */
const showCode = async (code: string, secret: string): Promise<Device | null> => {
  const outcome = await control.admit(
    {
      codeHash: hashOfSecret(systemRuntime, normaliseCode(code) ?? ""),
      secretHash: hashOfSecret(systemRuntime, secret),
      name: "scanner 3",
    },
    drawDeviceId(systemRuntime),
    systemRuntime.now(),
  );
  return outcome.kind === "admitted" ? outcome.device : null;
};

/** The squares of a QR code that was printed in half blocks: true is dark. */
const squaresOf = (text: string): readonly (readonly boolean[])[] => {
  const dark: { readonly [character: string]: readonly [boolean, boolean] } = {
    "█": [false, false],
    "▀": [false, true],
    "▄": [true, false],
    " ": [true, true],
  };
  const lines = text.split("\n").filter((line) => /^[█▀▄ ]{20,}$/.test(line));
  return lines.flatMap((line) => {
    const pairs = Array.from(line, (character) => dark[character] ?? [false, false]);
    return [pairs.map(([upper]) => upper), pairs.map(([, lower]) => lower)];
  });
};

test("[DEVICE-1] a code is shown once, lets in as many as it says, and stands in no file", async () => {
  const text = await printed("invite", "--space", "shop-1", "--uses", "2", "--label", "handhelds");
  const code = codeIn(text);
  expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){2}$/);
  expect(text).toContain("2 devices, to write in shop-1");
  expect(text).not.toContain("█");
  expect([...((await showCode(code, "s1"))?.grants ?? [])]).toEqual([["shop-1", "write"]]);
  expect(await showCode(code, "s2")).not.toBeNull();
  expect(await showCode(code, "s3")).toBeNull();
  const files = ["", "-wal"].map((end) => readFileSync(`${controlPath(data)}${end}`, "latin1"));
  expect(files.join("")).toContain("handhelds");
  expect(files.join("")).not.toContain(code);
  expect(files.join("")).not.toContain(code.replaceAll("-", ""));
});

test("a code may be for several spaces, at another level, for longer", async () => {
  const spaces = ["shop-1", "shop-2", "shop-1"].flatMap((space) => ["--space", space]);
  const text = await printed("invite", ...spaces, "--level", "read", "--expires", "2h");
  expect(text).toContain("one device, to read in shop-1, shop-2");
  const until = /^Until +(\S+)$/m.exec(text)?.[1] ?? "";
  const [now, hours] = [systemRuntime.now(), 3_600_000_000];
  expect(until > addMicros(now, 1.9 * hours) && until < addMicros(now, 2.1 * hours)).toBe(true);
  expect([...((await showCode(codeIn(text), "s"))?.grants ?? [])]).toEqual([
    ["shop-1", "read"],
    ["shop-2", "read"],
  ]);
});

test("the QR code on a terminal, or where it is asked for, is the address with the code, or the code alone", async () => {
  const invite = ["invite", "--space", "shop-1", "--data", data];
  const environment = { SYNCHRO_PUBLIC_URL: "https://sync.example/app/" };
  const { stdout } = await runCommand([...invite, "--qr"], { environment });
  const url = `https://sync.example/app/#join=${codeIn(stdout)}`;
  expect(stdout).toContain(`Join     ${url}\n`);
  const { data: squares, size } = encode(url, { border: 2 });
  expect(squaresOf(stdout).slice(0, size)).toEqual(squares);
  const onTerminal = await runCommand(invite, { hasColors: true });
  expect(onTerminal.stdout).toContain("\u001B[97;40m██");
  // oxlint-disable-next-line no-control-regex -- colours are taken off
  const plain = onTerminal.stdout.replaceAll(/\u001B\[[\d;]*m/g, "");
  const alone = encode(codeIn(plain), { border: 2 });
  expect(squaresOf(plain).slice(0, alone.size)).toEqual(alone.data);
});

test("[DEVICE-7] [DEVICE-11] devices are listed and shut out, beside a server", async () => {
  const one = await showCode(codeIn(await printed("invite", "--space", "shop-1")), "s1");
  const two = await showCode(
    codeIn(await printed("invite", "--space", "shop-2", "--level", "read")),
    "s2",
  );
  expect(await printed("device", "list")).toMatch(
    new RegExp(`${two?.id}.*shop-2:read +scanner 3\n${one?.id}.*shop-1:write`),
  );
  expect(await printed("device", "list", "--space", "shop-1")).not.toContain(two?.id);
  const told = await printed("device", "revoke", String(one?.id));
  expect(told).toContain(`${one?.id} (scanner 3) is shut out`);
  expect(told).toContain("within 10 seconds");
  await printed("device", "revoke", String(one?.id));
  expect((await control.readAccess()).revokedDevices).toEqual(new Set([one?.id]));
  expect(await printed("device", "list")).toMatch(new RegExp(`${one?.id} +revoked`));
});

test("[AUDIT-1] [AUDIT-4] the log tells who at which machine did what, in pages, and of one space", async () => {
  await printed("space", "rename", "shop-1", "Malmö");
  const text = await printed("audit");
  const lines = text.trimEnd().split("\n");
  expect(lines.map((line) => line.split(/ {2,}/)[3])).toEqual([
    "ACTION",
    "space.change",
    "space.create",
    "space.create",
  ]);
  expect(lines[1]).toContain(`@${hostname()}`);
  expect(lines[1]).toMatch(/ cli:[^ ]+@/);
  expect(lines[1]).toContain('title="Malmö"');
  expect((await printed("audit", "--limit", "1")).trimEnd().split("\n")).toHaveLength(2);
  expect(await printed("audit", "--before", "2")).not.toContain("shop-2");
  const ofSecond = await printed("audit", "--space", "shop-2");
  expect(ofSecond.trimEnd().split("\n")).toHaveLength(2);
});
