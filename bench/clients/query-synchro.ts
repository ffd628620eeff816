// What a live query costs: FOLDER PORT CHANGES some|all. A client over the memory store that holds all
// readings, and watches those of a quantity below ten, or all of them, by quantity. It tells of each
// change that its listener hears of.
import { collection, createClient, t } from "@synchro/client";
import { openMemoryStore } from "@synchro/client/memory";
import { reportRun, tellStep } from "./report-run.ts";

const [, port = "", changes = "", which = "some"] = process.argv.slice(2);

const readings = collection("readings", {
  fields: { expiration_date: t.date(), quantity: t.integer() },
});

const db = createClient({
  url: `http://127.0.0.1:${port}`,
  space: "default",
  collections: { readings },
  openStore: openMemoryStore,
});

await new Promise<void>((resolve) => {
  db.status.subscribe(({ state }) => {
    if (state === "live") resolve();
  });
});

const query = which === "all" ? db.readings : db.readings.where({ quantity: { lt: 10 } });
let heard = 0;
let onChange = (): void => {};
await new Promise<void>((resolve) => {
  query.orderBy("quantity").subscribe(() => {
    resolve();
    onChange();
  });
});

await reportRun(
  () =>
    new Promise((resolve) => {
      onChange = () => {
        heard += 1;
        tellStep();
        if (heard === Number(changes)) resolve();
      };
    }),
  () => Promise.resolve(heard),
);
