import { USAGE_EXIT_CODE } from "../config/arguments.ts";
import { StartError } from "../config/start-error.ts";
import { openModeAddress } from "./open-mode.ts";

export type ListenAddress = { readonly host: string; readonly port: number };

const isBracketed = (host: string): boolean => /^\[.*\]$/.test(host);

/**
 * The address to listen on for a host that was asked for. Without tokens it is one of this machine
 * alone. `localhost` is 127.0.0.1: one name, one address, one port.
 *
 * @throws StartError where open mode would be open to others. Spec: OPEN-3.
 */
export const listenHost = (host: string, hasTokens: boolean): string => {
  const loopback = openModeAddress(host);
  if (loopback !== null) return loopback;
  if (hasTokens) return isBracketed(host) ? host.slice(1, -1) : host;
  throw new StartError(
    `--host must be loopback (127.0.0.1, ::1 or localhost), not ${JSON.stringify(host)}: in open mode whoever reaches the server may read and write everything; start with --keys FILE to serve others`,
    USAGE_EXIT_CODE,
  );
};

/** Whether nobody but programs of this machine reaches an address. */
export const isLoopback = (host: string): boolean => openModeAddress(host) !== null;

const listenError = (error: unknown, at: ListenAddress): unknown => {
  const code = error instanceof Error && "code" in error ? error.code : null;
  switch (code) {
    case "EADDRINUSE":
      return new StartError(
        `Port ${at.port} is already in use on ${at.host}: stop the other program or choose one with --port`,
      );
    case "EACCES":
      return new StartError(
        `Port ${at.port} may not be opened by this user: choose one above 1023 with --port`,
      );
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new StartError(`${at.host} is not an address of this machine: choose one with --host`);
    default:
      return error;
  }
};

/** Runs what listens; what the system refuses is told in one line. @throws StartError */
export const listenAt = async <T>(
  at: ListenAddress,
  listen: (at: ListenAddress) => Promise<T>,
): Promise<T> => {
  try {
    return await listen(at);
  } catch (error) {
    throw listenError(error, at);
  }
};
