// Prints where the time of a CPU profile went: by function alone, and with all that it called.
//
//   BENCH_NODE_FLAGS="--cpu-prof --cpu-prof-dir=/tmp/prof" npm run bench -- poll
//   node bench/top-of-profile.ts /tmp/prof/CPU.*.cpuprofile
import { readFileSync } from "node:fs";
import { relative } from "node:path";

type ProfileNode = {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    readonly lineNumber: number;
  };
  readonly children?: readonly number[];
};

type Profile = {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
};

const SHOWN = 40;
const root = process.cwd();
/** Time in which nothing was asked of the thread. */
const idle = new Set(["(idle)", "(program)", "(root)"]);

const nameOf = ({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string => {
  const place = url.startsWith("file://") ? relative(root, url.slice("file://".length)) : url;
  return `${functionName || "(anonymous)"} ${place === "" ? "" : `${place}:${lineNumber + 1}`}`;
};

const print = (title: string, total: number, timeByName: ReadonlyMap<string, number>): void => {
  process.stdout.write(`${title}\n`);
  for (const [name, time] of [...timeByName].toSorted((a, b) => b[1] - a[1]).slice(0, SHOWN)) {
    process.stdout.write(`  ${((100 * time) / total).toFixed(1).padStart(5)} %  ${name}\n`);
  }
};

for (const path of process.argv.slice(2)) {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(path, "utf8")) as Profile;
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((c) => [c, id])));
  const self = new Map<string, number>();
  const whole = new Map<string, number>();
  let total = 0;
  for (const [index, id] of samples.entries()) {
    const node = byId.get(id);
    const time = timeDeltas[index] ?? 0;
    if (node === undefined || idle.has(node.callFrame.functionName)) continue;
    total += time;
    self.set(nameOf(node), (self.get(nameOf(node)) ?? 0) + time);
    const names = new Set<string>();
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const above = byId.get(at);
      if (above !== undefined) names.add(nameOf(above));
    }
    for (const name of names) whole.set(name, (whole.get(name) ?? 0) + time);
  }
  process.stdout.write(`${path}: ${(total / 1e6).toFixed(2)} s of work\n`);
  print("by function alone", total, self);
  print("with all that it called", total, whole);
}
