import { formatStamp, parseInstant, type Stamp, STAMP_MIN } from "@synchro/core";
import type { V1Record } from "@synchro/protocol";
import type { PlantedBug } from "./planted-bug.ts";

const v1Echoes: PlantedBug = {
  name: "v1-echo",
  rule: "V1-10",
  does: "sends a device of the origin back what it has just sent",
  plant: () => ({
    server: {
      answer: (request, real) => {
        if (request.kind !== "v1" || real.status !== 200) return real;
        const { newly_created_records: sent = [] } = JSON.parse(request.body) as {
          readonly newly_created_records?: readonly V1Record[];
        };
        const answer = JSON.parse(real.body) as { readonly data: readonly V1Record[] };
        const print = (text: string | null): string =>
          formatStamp(parseInstant(text ?? "") ?? STAMP_MIN);
        const echoes = sent.slice(0, answer.data.length === 0 ? 1 : 0).map((record) => ({
          ...record,
          updated_at: print(record.updated_at),
          expiration_date: print(record.expiration_date),
        }));
        return { ...real, body: JSON.stringify({ ...answer, data: [...answer.data, ...echoes] }) };
      },
    },
  }),
};

const v1CursorAsDate: PlantedBug = {
  name: "v1-cursor-taken-as-date",
  rule: "V1-21",
  does: "leaves out what comes late with an old date, also for a device with a cursor",
  plant: () => ({
    server: {
      services: (real) => {
        const asked = new Map<string, Stamp>();
        return {
          ...real,
          syncReadings: async (input) => {
            const since = input.cursor === null ? undefined : asked.get(input.cursor);
            const answer = await real.syncReadings(input);
            if (answer.kind !== "open") return answer;
            const chunks = (async function* () {
              let step = await answer.chunks.next();
              for (; step.done !== true; step = await answer.chunks.next()) {
                yield step.value.filter(({ stamp }) => since === undefined || stamp > since);
              }
              if (step.value.cursor !== null) asked.set(step.value.cursor, step.value.now);
              return step.value;
            })();
            return { kind: "open", chunks };
          },
        };
      },
    },
  }),
};

/** Of the server that speaks the origin's interface. */
export const originBugs: readonly PlantedBug[] = [v1Echoes, v1CursorAsDate];
