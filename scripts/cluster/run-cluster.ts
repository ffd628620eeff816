import { parseArgs } from "node:util";
import { type Cluster, type ClusterOptions, startCluster } from "./start-cluster.ts";

const help = `npm run cluster -- [--folder DIR] [--port PORT] [--nodes N] [--replicas N] [--proxy nginx|haproxy]

Starts PostgreSQL, a replica that streams from it, three nodes and nginx in front, on this machine,
as deploy/compose.yaml does with Docker. Needs Debian's packages postgresql and nginx (or haproxy).
With --folder the data stay and are there again the next time.
`;

const readArguments = (): ClusterOptions => {
  const { values } = parseArgs({
    options: {
      folder: { type: "string" },
      port: { type: "string", default: "0" },
      nodes: { type: "string", default: "3" },
      replicas: { type: "string", default: "1" },
      proxy: { type: "string", default: "nginx" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const [port, nodes, replicas] = [values.port, values.nodes, values.replicas].map(Number);
  const isProxy = values.proxy === "nginx" || values.proxy === "haproxy";
  const areNumbers = [port, nodes, replicas].every((number) => Number.isInteger(number));
  if (values.help || !isProxy || !areNumbers) {
    process.stdout.write(help);
    process.exit(values.help ? 0 : 2);
  }
  const { folder } = values;
  return {
    port: port ?? 0,
    nodes: nodes ?? 3,
    replicas: replicas ?? 1,
    proxy: values.proxy === "haproxy" ? "haproxy" : "nginx",
    ...(folder === undefined ? {} : { folder }),
  };
};

const describe = (cluster: Cluster, token: string): string => {
  const database = `psql -h ${cluster.folder}/primary -p ${cluster.primary.port} -U postgres synchro`;
  const lines = [
    "",
    `  A cluster serves at ${cluster.url}`,
    "",
    ...cluster.nodes.map(
      ({ name, url, log, pid }) => `  ${name}     ${url}  pid ${pid()}  log ${log}`,
    ),
    `  primary    127.0.0.1:${cluster.primary.port}`,
    ...cluster.replicas.map(({ port }) => `  replica    127.0.0.1:${port}`),
    `  data       ${cluster.folder}`,
    "",
    "  # A token for one shop",
    `  TOKEN=${token}`,
    "",
    "  # Follow a shop, through whichever node",
    `  curl -N -H "Authorization: Bearer $TOKEN" -H 'Accept: text/event-stream' ${cluster.url}/v2/spaces/shop-1/changes`,
    "",
    "  # Send a reading, and see it there",
    `  curl -X POST -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' ${cluster.url}/v2/spaces/shop-1/sync \\`,
    `    -d '{"cursor": null, "changes": [{"collection": "readings", "key": "test_5", "updated_at": "2026-11-24T10:00:00Z", "value": {"expiration_date": "2026-12-01"}}]}'`,
    "",
    "  # Take a node away: whoever it served goes on at another",
    `  kill ${cluster.nodes[0]?.pid()}`,
    "",
    "  # Look into the database, as the user postgres where you are root",
    `  ${database}`,
    "",
    "  Ctrl+C ends all of it.",
    "",
    "",
  ];
  return lines.join("\n");
};

const options = readArguments();
process.stdout.write("Starting PostgreSQL, its replica, the nodes and the proxy…\n");
const cluster = await startCluster(options);
process.stdout.write(describe(cluster, await cluster.mintToken("shop-1=write")));
const asked = Promise.withResolvers<void>();
// Programs run without a terminal of their own: nothing else keeps this process alive.
const awake = setInterval(() => {}, 60_000);
process.on("SIGINT", asked.resolve).on("SIGTERM", asked.resolve);
await asked.promise;
clearInterval(awake);
process.stdout.write("Ending it: what has begun is finished first.\n");
await cluster.stop();
