/**
 * Why the program can't start or go on, in one line for the person who started it: it names the
 * thing to change and the rule. The command line prints it without a stack and ends with `exitCode`.
 */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly exitCode: number;

  constructor(line: string, exitCode = 1) {
    // Messages of others (a parser, a driver) may bring line breaks.
    super(line.replaceAll(/\s+/g, " ").trim());
    this.exitCode = exitCode;
  }
}
