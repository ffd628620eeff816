import type { CommandEntry } from "./command.ts";

/** Every command, in the order of `--help`. A name is one word or two. */
export const commands: { readonly [name: string]: CommandEntry } = {
  serve: {
    summary: "run the server (it migrates its database first)",
    load: async () => (await import("./serve.ts")).serve,
  },
  migrate: {
    summary: "bring the database to this program's version, and end",
    load: async () => (await import("./migrate.ts")).migrate,
  },
  "key new": {
    summary: "make a key that tokens are signed with, and put it first",
    load: async () => (await import("./key-new.ts")).keyNew,
  },
  "key list": {
    summary: "list the keys: id, algorithm, use",
    load: async () => (await import("./key-list.ts")).keyList,
  },
  "key drop": {
    summary: "take a key out: its tokens are refused from then on",
    load: async () => (await import("./key-drop.ts")).keyDrop,
  },
  token: {
    summary: "make a token: who, in which spaces, with what level",
    load: async () => (await import("./token.ts")).token,
  },
  "token show": {
    summary: "say what a token on stdin holds, and whether it is valid",
    load: async () => (await import("./token-show.ts")).tokenShow,
  },
  "token revoke": {
    summary: "take a token back before its time",
    load: async () => (await import("./token-revoke.ts")).tokenRevoke,
  },
  import: {
    summary: "bring rows into a space: CSV, NDJSON, or the origin's database",
    load: async () => (await import("./import.ts")).importCommand,
  },
  export: {
    summary: "write the records of a space to a file: CSV or NDJSON",
    load: async () => (await import("./export.ts")).exportCommand,
  },
  "space create": {
    summary: "make a space (a shop)",
    load: async () => (await import("./space-create.ts")).spaceCreate,
  },
  "space list": {
    summary: "list the spaces with their records",
    load: async () => (await import("./space-list.ts")).spaceList,
  },
  "space rename": {
    summary: "give a space another title",
    load: async () => (await import("./space-rename.ts")).spaceRename,
  },
  "space quota": {
    summary: "bound the records that a space may hold",
    load: async () => (await import("./space-quota.ts")).spaceQuota,
  },
  "space delete": {
    summary: "make a space answer as one that does not exist; its records stay",
    load: async () => (await import("./space-delete.ts")).spaceDelete,
  },
  "space undelete": {
    summary: "take a deletion back",
    load: async () => (await import("./space-undelete.ts")).spaceUndelete,
  },
  invite: {
    summary: "make a code, shown once, that lets devices into a space",
    load: async () => (await import("./invite.ts")).invite,
  },
  "device list": {
    summary: "list the devices that were let in",
    load: async () => (await import("./device-list.ts")).deviceList,
  },
  "device revoke": {
    summary: "shut a device out",
    load: async () => (await import("./device-revoke.ts")).deviceRevoke,
  },
  audit: {
    summary: "show who did what",
    load: async () => (await import("./audit.ts")).audit,
  },
  backup: {
    summary: "back up the data beside the running server, or check a backup",
    load: async () => (await import("./backup.ts")).backup,
  },
  restore: {
    summary: "take a backup into a data folder",
    load: async () => (await import("./restore.ts")).restore,
  },
  move: {
    summary: "take a data folder to a PostgreSQL database, with every cursor still valid",
    load: async () => (await import("./move.ts")).move,
  },
  "epoch new": {
    summary: "begin an epoch: for data that came from a copy",
    load: async () => (await import("./epoch-new.ts")).epochNew,
  },
  purge: {
    summary: "remove old tombstones for good",
    load: async () => (await import("./purge.ts")).purge,
  },
  "space erase": {
    summary: "erase a space's records for good",
    load: async () => (await import("./space-erase.ts")).spaceErase,
  },
  doctor: {
    summary: "look the data over, and say what to do",
    load: async () => (await import("./doctor.ts")).doctor,
  },
  status: {
    summary: "show what a data folder or a server holds",
    load: async () => (await import("./status.ts")).status,
  },
};
