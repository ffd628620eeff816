import { Buffer } from "node:buffer";
import { hash } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { openWriter } from "./open-database.ts";
import { packResult, unpackRequest } from "./packed-push.ts";
import { WriterCore } from "./writer-core.ts";
import type { FromWriterThread, ToWriterThread, WriterThreadData } from "./writer-thread-data.ts";

// The thread in which the file is written: a sync that takes its time holds up nobody's reading.

const port = parentPort;
if (port === null) throw new Error("this file is the entry of a worker thread");

const send = (message: FromWriterThread): void => port.postMessage(message);

const { path, bytesMax, ...context } = workerData as WriterThreadData;
const database = openWriter(path, bytesMax);
const core = new WriterCore(database, {
  ...context,
  // As the runtime has it, which can't cross to another thread.
  sha256: (text) => Buffer.from(hash("sha256", text, "latin1"), "latin1"),
});

port.on("message", (message: ToWriterThread) => {
  if (message.kind === "close") {
    database.close();
    port.close();
    return;
  }
  try {
    const results = core.commit(message.group.map(unpackRequest));
    send({ kind: "committed", results: results.map(packResult) });
    core.tidy();
  } catch (error) {
    send({ kind: "beyond_use", error });
    port.close();
  }
});

send({ kind: "ready" });
