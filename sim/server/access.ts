import type { Authorize } from "../../packages/server/src/service/authorize.ts";

/** What a device's token is good for, for the moment. */
export type Denial =
  /** Expired, and not renewed yet: 401 to all. */
  | "expired"
  /** The right to write was taken: 403 to changes. */
  | "read_only";

/** Who may do what on the server; a device's name is its token. Everybody may do everything unless denied. */
export type Access = {
  readonly authorize: Authorize;
  readonly deny: (device: string, denial: Denial) => void;
  readonly allow: (device: string) => void;
  readonly allowAll: () => void;
};

export const createAccess = (): Access => {
  const denials = new Map<string, Denial>();
  return {
    authorize: async ({ token }, _space, action) => {
      const denial = token === null ? undefined : denials.get(token);
      if (denial === "expired") return { kind: "unauthorized" };
      if (denial === "read_only" && action !== "read") return { kind: "forbidden" };
      return { kind: "allowed", subject: null };
    },
    deny: (device, denial) => {
      denials.set(device, denial);
    },
    allow: (device) => {
      denials.delete(device);
    },
    allowAll: () => denials.clear(),
  };
};
