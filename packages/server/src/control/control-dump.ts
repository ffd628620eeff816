/** The tables of what a server knows besides records, and their columns, as every engine names them. */
export const controlTables = {
  spaces: ["id", "title", "records_max", "created_at", "deleted_at"],
  invitations: ["code_hash", "grants", "label", "created_at", "expires_at", "uses_left"],
  devices: [
    "n",
    "id",
    "name",
    "grants",
    "code_hash",
    "secret_hash",
    "created_at",
    "renewed_at",
    "revoked_at",
  ],
  revoked_tokens: ["id", "expires_at"],
  audit: ["number", "at", "actor", "action", "target", "space", "detail"],
} as const;

export type ControlTable = keyof typeof controlTables;

export type ControlRow = readonly (string | number | null)[];

/** All that a control store holds, of one moment: by table its rows, in the order of the columns. */
export type ControlDump = { readonly [table in ControlTable]: () => Iterable<ControlRow> };

/** What a server without control data knows. */
export const emptyControlDump: ControlDump = {
  spaces: () => [],
  invitations: () => [],
  devices: () => [],
  revoked_tokens: () => [],
  audit: () => [],
};
