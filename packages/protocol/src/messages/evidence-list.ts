import Type from "typebox";
import type { MessageOf } from "../message-of.ts";
import { stampField } from "./field.ts";
import { deletedVersionFields, liveVersionFields } from "./record.ts";

const keptFields = () => ({
  reason: Type.Enum(["superseded", "overwritten"], {
    description:
      "`superseded`: a change that lost. `overwritten`: a stored version that was replaced by a change which did not know it.",
  }),
  client_id: Type.Unsafe<string | null>({
    type: ["string", "null"],
    description: "The client whose change it was, or whose change replaced it.",
  }),
  kept_at: stampField({ description: "When it was kept, by the server's clock." }),
});

/** Versions that did not stay, the newest first. */
export const evidenceListSchema = Type.Object(
  {
    evidence: Type.Array(
      Type.Union(
        [
          Type.Object({ ...liveVersionFields(), ...keptFields() }, { title: "Value" }),
          Type.Object(
            { ...deletedVersionFields(), ...keptFields() },
            { title: "Delete", not: { required: ["value"] } },
          ),
        ],
        { title: "Evidence" },
      ),
    ),
  },
  {
    title: "Evidence list",
    description: "Versions that did not stay, the newest first, so that one can be restored.",
    examples: [
      {
        evidence: [
          {
            reason: "superseded",
            collection: "readings",
            key: "04012345678901",
            updated_at: "2026-11-24T10:00:00Z",
            value: { expiration_date: "2026-12-01" },
            client_id: "c_01J9ZK2V",
            kept_at: "2026-11-24T12:00:03.51Z",
          },
        ],
      },
    ],
  },
);

export type WireEvidenceList = MessageOf<typeof evidenceListSchema>;
