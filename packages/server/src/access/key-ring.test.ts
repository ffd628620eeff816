import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { edKey, keyFile } from "../../testing/access-fixture.ts";
import { VirtualTime } from "../../testing/virtual-time.ts";
import { type KeyRing, openKeyRing } from "./key-ring.ts";

let folder: string;
let path: string;
let ring: KeyRing | null = null;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "synchro-keys-"));
  path = join(folder, "keys.json");
});
afterEach(() => {
  ring?.stop();
  ring = null;
  rmSync(folder, { recursive: true });
});

const write = (text: string, mode = 0o600): void => {
  writeFileSync(path, text);
  chmodSync(path, mode);
};

const open = async () => {
  const time = new VirtualTime();
  const lines: string[] = [];
  const note = (of: unknown, message?: string): void => {
    lines.push(`${JSON.stringify(of)} ${message}`);
  };
  ring = await openKeyRing(
    { kind: "file", path },
    { runtime: time.runtime, logger: { info: note, warn: note } as never },
  );
  const opened = ring;
  /** Lets the look at the file happen, and end. */
  const look = async (): Promise<void> => {
    await vi.waitFor(() => expect(time.timers).toBe(1));
    await time.advance(3_000);
    await vi.waitFor(() => expect(time.timers).toBe(1));
  };
  return { ring: opened, look, lines, ids: () => [...opened.current().byId.keys()] };
};

describe("[TOKEN-4] a key file", () => {
  test("that is not there", async () => {
    await expect(open()).rejects.toThrow(
      `${path}: can't be read: there is no such file: make one with synchro key new`,
    );
  });

  test.skipIf(process.platform === "win32").each([0o644, 0o604, 0o620, 0o602, 0o666, 0o777])(
    "that others may read or change is refused (%i)",
    async (mode) => {
      write(keyFile(edKey("a")), mode);
      await expect(open()).rejects.toThrow(
        `${path}: its mode 0${mode.toString(8)} lets others read or change the keys: chmod 600 ${path}`,
      );
    },
  );

  test.each([0o600, 0o400, 0o640])("of mode %i is read", async (mode) => {
    write(keyFile(edKey("a")), mode);
    expect((await open()).ids()).toEqual(["a"]);
  });
});

describe("[TOKEN-6] a key file that changes", () => {
  test("is read again within seconds, and the same keys are the same object", async () => {
    write(keyFile(edKey("a")));
    const { ring: keys, look, ids } = await open();
    const before = keys.current();
    await look();
    expect(keys.current()).toBe(before);
    write(keyFile(edKey("b"), edKey("a")));
    await look();
    expect(ids()).toEqual(["b", "a"]);
    expect(keys.current()).not.toBe(before);
  });

  test("and breaks leaves the keys as they were, and says so once, without the text", async () => {
    write(keyFile(edKey("a")));
    const { ring: keys, look, ids, lines } = await open();
    const before = keys.current();
    write('{"keys":[{"k":"canary"');
    await look();
    await look();
    expect(keys.current()).toBe(before);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("must be one JSON object");
    expect(lines[0]).not.toContain("canary");
    rmSync(path);
    await look();
    expect(lines).toHaveLength(2);
    write(keyFile(edKey("b")));
    await look();
    expect(ids()).toEqual(["b"]);
  });

  test.skipIf(process.platform === "win32")("and is opened to others is not read", async () => {
    write(keyFile(edKey("a")));
    const { look, ids, lines } = await open();
    write(keyFile(edKey("b")), 0o644);
    await look();
    expect(ids()).toEqual(["a"]);
    expect(lines[0]).toContain("chmod 600");
  });

  test("is looked at no more once the ring is stopped", async () => {
    write(keyFile(edKey("a")));
    const { ring: keys, ids } = await open();
    keys.stop();
    write(keyFile(edKey("b")));
    expect(ids()).toEqual(["a"]);
  });
});
