import { StartError } from "../config/start-error.ts";

const codeOf = (error: unknown): string | null =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;

const reasons: { readonly [code: string]: string } = {
  ENOSPC: "there is no room on the disk",
  EDQUOT: "the disk's quota is used up",
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  EROFS: "the disk may only be read",
  ENOTDIR: "part of its path is a file",
  ENOENT: "it is missing",
  EISDIR: "it is a folder",
};

/** What an error of the file system at `path` means for whoever gave the command; an unforeseen one comes back as it is. */
export const diskError = (error: unknown, path: string): unknown => {
  const reason = reasons[codeOf(error) ?? ""];
  return reason === undefined ? error : new StartError(`${path}: ${reason}`);
};
