/** Instead of a space: all of them, for upkeep. No space has this name. */
export const EVERY_SPACE = "*";

/** The setting of a transaction that says whose rows it may touch. */
export const SPACE_SETTING = "synchro.space";

/**
 * The statements that shut a table of schema `synchro` to transactions of other spaces: they see
 * none of its rows and write none, whatever a query says, the table's owner included. A backstop:
 * every query names its space all the same. The setting is read once a statement, not once a row.
 */
export const spaceTable = (table: string, column: string): readonly string[] => {
  const setting = `(SELECT current_setting('${SPACE_SETTING}', true))`;
  return [
    `ALTER TABLE synchro.${table} ENABLE ROW LEVEL SECURITY`,
    `ALTER TABLE synchro.${table} FORCE ROW LEVEL SECURITY`,
    `CREATE POLICY one_space ON synchro.${table}
      USING (${column} = ${setting} OR ${setting} = '${EVERY_SPACE}')`,
  ];
};
