/** Where a proxy listens and what it stands before: `host:port` each. */
export type ProxyPlaces = {
  readonly listen: string;
  readonly nodes: readonly string[];
};

/** @throws Error if there is no such line: the file and this are out of step. */
const replaceLines = (
  text: string,
  pattern: RegExp,
  linesOf: (first: string) => readonly string[],
): string => {
  const lines = text.split("\n");
  const at = lines.findIndex((line) => pattern.test(line));
  if (at === -1) throw new Error(`no line matches ${pattern}`);
  const rest = lines.filter((line, index) => index < at || !pattern.test(line));
  return rest.toSpliced(at, 0, ...linesOf(lines[at] ?? "")).join("\n");
};

/**
 * `deploy/nginx.conf` for other places. What nginx writes goes to `folder`, and so that its workers
 * may write there they stay root where it is started by root.
 */
export const renderNginx = (
  text: string,
  {
    listen,
    nodes,
    folder,
    isRoot,
  }: ProxyPlaces & { readonly folder: string; readonly isRoot: boolean },
): string => {
  const withNodes = replaceLines(text, /^ +server node-\d:7100 /, (line) =>
    nodes.map((node) => line.replace(/node-\d:7100/, node)),
  );
  const withListen = replaceLines(withNodes, /^ +listen 8080;$/, () => [`    listen ${listen};`]);
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `  ${kind}_temp_path ${folder}/${kind};`,
  );
  const withPaths = replaceLines(withListen, /^http \{$/, (line) => [line, ...paths]);
  return replaceLines(withPaths, /^error_log /, () => [
    `error_log ${folder}/error.log warn;`,
    `pid ${folder}/nginx.pid;`,
    ...(isRoot ? ["user root;"] : []),
  ]);
};

/** `deploy/haproxy.cfg` for other places. */
export const renderHaproxy = (text: string, { listen, nodes }: ProxyPlaces): string => {
  const withNodes = replaceLines(text, /^ {2}server node-\d /, () =>
    nodes.map((node, index) => `  server node-${index + 1} ${node}`),
  );
  return replaceLines(withNodes, /^ {2}bind :8080$/, () => [`  bind ${listen}`]);
};
