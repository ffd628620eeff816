import { defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";

// Workspace packages resolve to their TypeScript source: tests need no build.
const conditions = ["source", ...defaultServerConditions];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages", "sim", "bench", "docs", "fixtures", "scripts", "deploy"].map(
      (room) => `${room}/**/*.test.ts`,
    ),
    // A process a file, with the condition in its execArgv: worker threads and forks inherit it.
    // A test that spawns a program says `--conditions=source` itself, as the npm scripts do.
    pool: "forks",
    // Else two cores would get one worker, and the simulation's shares would wait for each other.
    maxWorkers: "100%",
    execArgv: ["--conditions=source"],
    // Tests that sync a disk or start a server may share a slow machine with others.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    expect: { poll: { timeout: 20_000 } },
    restoreMocks: true,
    unstubEnvs: true,
  },
});
