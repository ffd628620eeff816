import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { once } from "node:events";

const DEBIAN = "/usr/lib/postgresql";

/** The folder of the newest PostgreSQL's programs: Debian's, else the one on the path. */
const binFolder = (): string => {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN) : [];
  const folders = versions
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(DEBIAN, version, "bin"));
  const all = [...folders, ...(process.env["PATH"] ?? "").split(delimiter)];
  const found = all.find((folder) => existsSync(join(folder, "initdb")));
  if (found === undefined) throw new Error("there is no PostgreSQL here: apt install postgresql");
  return found;
};

type Account = { readonly uid: number; readonly gid: number };

/** Who runs a PostgreSQL: it refuses to be run by root. Null: whoever we are. */
export const postgresAccount = (): Account | null => {
  if (process.getuid?.() !== 0) return null;
  const line = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync("/etc/passwd", "utf8"));
  if (line === null) throw new Error("there is no user postgres, and root can't run PostgreSQL");
  return { uid: Number(line[1]), gid: Number(line[2]) };
};

/**
 * Starts a program of PostgreSQL. Where Linux offers it, it is ended with the thread that started
 * it, however that ends: a killed test leaves no server behind.
 */
export const spawnPostgresProgram = (
  program: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly output: number | "pipe" },
): ChildProcess => {
  const command = [join(binFolder(), program), ...args];
  const tied = existsSync("/usr/bin/setpriv")
    ? ["/usr/bin/setpriv", "--pdeathsig", "INT", ...command]
    : command;
  const { cwd, output } = options;
  return spawn(tied[0] ?? "", tied.slice(1), {
    cwd,
    // A database's encoding and order must not depend on whoever runs the tests.
    env: { PATH: process.env["PATH"] ?? "", LC_ALL: "C.UTF-8", TZ: "UTC" },
    stdio: ["ignore", output, output],
    // A Ctrl+C at the terminal is for whoever started it to pass on, in the right order.
    detached: true,
    ...postgresAccount(),
  });
};

/** Runs a program of PostgreSQL to its end. @throws Error with what it said, if it failed. */
export const runPostgresProgram = async (
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<void> => {
  const child = spawnPostgresProgram(program, args, { cwd, output: "pipe" });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${output}`);
};
