import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";

const root = join(import.meta.dirname, "..");
const door = join(root, "packages/server/bin/synchro.mjs");

const read = (file: string): string => readFileSync(join(import.meta.dirname, file), "utf8");
const unit = read("synchro.service");
const dockerfile = read("Dockerfile");
const readme = read("README.md");

/** The values of a directive of the unit, in order. */
const directive = (name: string): readonly string[] =>
  Array.from(unit.matchAll(new RegExp(`^${name}=(.*)$`, "gm")), ([, value = ""]) => value);

/** The words of a Dockerfile's instruction in its exec form. */
const execForm = (instruction: string): readonly string[] => {
  const [, list] = new RegExp(`^ *${instruction} (\\[.*\\])$`, "m").exec(dockerfile) ?? [];
  if (list === undefined) throw new Error(`there is no ${instruction} in exec form`);
  return JSON.parse(list) as readonly string[];
};

const entrypoint = execForm("ENTRYPOINT");
// The health check's CMD is indented, and the last one is the container's.
const command = JSON.parse(/^CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? "[]") as readonly string[];

const run = (args: readonly string[]) => {
  const { NODE_OPTIONS: _, ...env } = process.env;
  return spawnSync(process.execPath, ["--conditions=source", door, ...args], {
    encoding: "utf8",
    env,
  });
};

const help = (...args: readonly string[]): string => {
  const { status, stdout } = run([...args, "--help"]);
  expect(status).toBe(0);
  return stdout;
};

const doorInPackage = "node_modules/@synchro/server/bin/synchro.mjs";

/** Every command line of the program: what stands behind its door. */
const commandLines: readonly (readonly [string, readonly string[]])[] = [
  ...directive("ExecStart").map((line) => ["synchro.service", line] as const),
  ["Dockerfile", [...entrypoint, ...command].join(" ")] as const,
  ...Array.from(
    readme.replaceAll("\\\n", " ").matchAll(/^.*synchro\.mjs.*$/gm),
    ([line]) => ["README.md", line] as const,
  ),
].map(([file, line]) => [file, (line.split(doorInPackage)[1] ?? "").trim().split(/\s+/)]);

describe("every command line", () => {
  test("is found", () => {
    expect(commandLines.map(([file]) => file)).toEqual([
      "synchro.service",
      "Dockerfile",
      "README.md",
      "README.md",
    ]);
    expect(directive("ExecStart")).toEqual([
      expect.stringMatching(/^\/usr\/bin\/node \/opt\/synchro\//),
    ]);
  });

  test.each(commandLines)("of %s: %j names a command and its flags as they are", (_, words) => {
    const [name = ""] = words;
    const flags = words.filter((word) => word.startsWith("--"));
    const text = help(name);
    expect(text).toContain(`Usage: synchro ${name} `);
    expect(flags.length).toBeGreaterThan(0);
    for (const flag of flags) expect(text).toMatch(new RegExp(`^  ${flag} `, "m"));
  });

  test("the manual names no flag of the server that there is not", () => {
    const serveHelp = help("serve");
    const flags = Array.from(
      readme.matchAll(/`(--(?:tls|keys|host|port|data|bus|drain)[a-z-]*)/g),
      ([, flag]) => flag,
    );
    expect(flags.length).toBeGreaterThan(0);
    for (const flag of flags) expect(serveHelp).toMatch(new RegExp(`^  ${flag} `, "m"));
  });

  test("starts the door of the package, by Node and nothing around it", () => {
    expect(entrypoint).toEqual(["node", doorInPackage]);
    const manifest = JSON.parse(
      readFileSync(join(root, "packages/server/package.json"), "utf8"),
    ) as { readonly name: string; readonly bin: { readonly synchro: string } };
    expect(join("node_modules", manifest.name, manifest.bin.synchro)).toBe(doorInPackage);
    expect(existsSync(door)).toBe(true);
  });
});

describe("the compose file", () => {
  const compose = read("compose.yaml");

  test("gives each command flags and variables that it has", () => {
    const commands = Array.from(compose.matchAll(/^ +command:\s+\[([^\]]*)\]/gm), ([, list = ""]) =>
      Array.from(list.matchAll(/"([^"]*)"/g), ([, word = ""]) => word),
    ).filter(([name]) => name !== "postgres");
    expect(commands.map(([name]) => name)).toEqual(["serve", "migrate"]);
    const texts = commands.map(([name = "", ...words]) => {
      const text = help(name);
      const flags = words.filter((word) => word.startsWith("--"));
      for (const flag of flags) expect(text).toMatch(new RegExp(`^  ${flag} `, "m"));
      return text;
    });
    for (const [, variable = ""] of compose.matchAll(/^ +(SYNCHRO_[A-Z_]+):/gm)) {
      expect(texts.join("\n")).toContain(variable);
    }
  });

  test("is the topology of the proxies: the same nodes at the same ports", () => {
    const nodes = ["node-1", "node-2", "node-3"];
    for (const node of nodes) expect(compose).toMatch(new RegExp(`^  ${node}: \\*node$`, "m"));
    for (const file of ["nginx.conf", "haproxy.cfg"]) {
      const places = Array.from(read(file).matchAll(/(?<= )node-\d:\d+/g), ([place]) => place);
      expect(places).toEqual(nodes.map((node) => `${node}:7100`));
    }
    expect(compose).toMatch(/"--port",\s+"7100"/);
  });

  test("waits longer for a stop than a node takes", () => {
    const seconds = Number(/^ +stop_grace_period: (\d+)s$/m.exec(compose)?.[1]);
    expect(seconds).toBeGreaterThanOrEqual(20);
  });
});

describe("the unit", () => {
  test("waits longer for a stop than the server takes, and asks with the signal that it hears", () => {
    const source = readFileSync(join(root, "packages/server/src/http/stop-server.ts"), "utf8");
    const stopMs = Number(/^const STOP_MS = ([\d_]+);$/m.exec(source)?.[1]?.replaceAll("_", ""));
    expect(stopMs).toBeGreaterThan(0);
    expect(Number(directive("TimeoutStopSec")[0]) * 1000).toBeGreaterThanOrEqual(2 * stopMs);
    expect(directive("KillSignal")).toEqual(["SIGTERM"]);
  });

  test("does not start again what is wrong on the command line", () => {
    const { status } = run(["serve", "--port", "none"]);
    expect(directive("RestartPreventExitStatus")).toEqual([String(status)]);
  });

  const analyze = (...args: readonly string[]) =>
    spawnSync("systemd-analyze", args, { cwd: import.meta.dirname, encoding: "utf8" });
  const hasSystemd = analyze("--version").status === 0;

  // Elsewhere than on such a machine there is nobody to ask.
  test.runIf(hasSystemd)("systemd has nothing to say against it", () => {
    // Where no Node is installed, that alone is wrong.
    const { status, stdout, stderr } = analyze("verify", "./synchro.service");
    const complaints = `${stdout}${stderr}`
      .split("\n")
      .filter((line) => line !== "" && !line.includes("/usr/bin/node is not executable"));
    expect(complaints).toEqual([]);
    if (existsSync("/usr/bin/node")) expect(status).toBe(0);
  });

  test.runIf(hasSystemd)("is exposed to little, by systemd's own measure", () => {
    const { stdout } = analyze("security", "--offline=true", "./synchro.service");
    const exposure = Number(/exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
    expect(exposure).toBeLessThanOrEqual(1.5);
  });

  test("leaves V8 its memory", () => {
    expect(directive("MemoryDenyWriteExecute")).toEqual(["no"]);
  });
});

describe("the container", () => {
  test("runs as nobody of importance, and keeps its data on a volume", () => {
    expect(dockerfile).toMatch(/^USER node$/m);
    expect(dockerfile).toMatch(/^VOLUME \/data$/m);
    expect(command.join(" ")).toContain("--data /data");
  });

  test("lets into the build what the build needs", () => {
    const allowed = Array.from(
      read("Dockerfile.dockerignore").matchAll(/^!(.*)$/gm),
      ([, path = ""]) => path,
    );
    const { workspaces } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      readonly workspaces: readonly string[];
    };
    for (const workspace of workspaces) {
      const isLetIn = [workspace.replace("/*", ""), `${workspace}/package.json`].some((path) =>
        allowed.includes(path),
      );
      expect({ workspace, isLetIn }).toEqual({ workspace, isLetIn: true });
    }
    for (const path of allowed) expect(existsSync(join(root, path))).toBe(true);
  });

  test("its health check tells a server that answers from one that does not", async () => {
    const [node, ...args] = execForm("CMD");
    expect(node).toBe("node");
    const check = (url: string): number | null =>
      spawnSync(
        process.execPath,
        args.map((arg) => arg.replace("http://127.0.0.1:7100", url)),
        { timeout: 10_000 },
      ).status;
    const folder = mkdtempSync(join(tmpdir(), "synchro-deploy-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const flags = ["serve", "--port", "0", "--data", folder];
    const server = spawn(process.execPath, ["--conditions=source", door, ...flags]);
    const closed = once(server, "close");
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    let printed = "";
    const onText = (text: string): void => {
      printed += text;
      const [, url] = /listens on (\S+)\n/.exec(printed) ?? [];
      if (url !== undefined) resolve(url);
    };
    server.stdout.setEncoding("utf8").on("data", onText);
    server.stderr.setEncoding("utf8").on("data", onText);
    server.on("close", () => reject(new Error(`the server ended: ${printed}`)));
    const url = await promise;
    const whileUp = check(url);
    server.kill("SIGTERM");
    await closed;
    const whileDown = check(url);
    expect({ whileUp, whileDown }).toEqual({ whileUp: 0, whileDown: 1 });
  });
});
