import { X509Certificate, createPrivateKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import type { Runtime } from "@synchro/core";
import type { Logger } from "pino";
import { StartError } from "../config/start-error.ts";

/** A certificate, with those that vouch for it after it, and its private key; both PEM. */
export type TlsPair = { readonly cert: string; readonly key: string };

export type TlsFiles = { readonly certFile: string; readonly keyFile: string };

/** The oldest version of TLS that is spoken (RFC 8996 gives up those before). */
export const TLS_VERSION_MIN = "TLSv1.2";

/** Milliseconds between looks at the files. */
const LOOK_MS = 5_000;

const readText = async (flag: string, path: string): Promise<string> => {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const reason = code === "ENOENT" ? "there is no such file" : `it can't be read (${code})`;
    throw new StartError(`${flag} ${path}: ${reason}`);
  }
};

const check = ({ certFile, keyFile }: TlsFiles, { cert, key }: TlsPair): void => {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(cert);
  } catch {
    throw new StartError(`--tls-cert ${certFile}: must be a certificate in PEM`);
  }
  let matches: boolean;
  try {
    matches = certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    throw new StartError(
      `--tls-key ${keyFile}: must be a private key in PEM, without a passphrase`,
    );
  }
  if (!matches) {
    throw new StartError(`--tls-key ${keyFile}: is not the key of the certificate in ${certFile}`);
  }
  try {
    createSecureContext({ cert, key, minVersion: TLS_VERSION_MIN });
  } catch {
    throw new StartError(`--tls-cert ${certFile}: TLS can't be spoken with it`);
  }
};

/** Reads certificate and key, and that they fit. @throws StartError naming the flag, the file and the rule. */
export const readTlsPair = async (files: TlsFiles): Promise<TlsPair> => {
  const [cert, key] = await Promise.all([
    readText("--tls-cert", files.certFile),
    readText("--tls-key", files.keyFile),
  ]);
  const pair = { cert, key };
  check(files, pair);
  return pair;
};

/**
 * Looks at the files from time to time, and hands out a pair that is new and whole: between the
 * writes of two files it is neither. What can't be used is told in the log, once, and the old one
 * stays. Returns what ends it.
 */
export const followTlsFiles = (
  files: TlsFiles,
  deps: {
    readonly runtime: Pick<Runtime, "after">;
    readonly logger: Pick<Logger, "info" | "warn">;
    readonly known: TlsPair;
    readonly onChange: (pair: TlsPair) => void;
  },
): (() => void) => {
  let { known } = deps;
  let complaint: string | null = null;
  const look = async (): Promise<void> => {
    try {
      const pair = await readTlsPair(files);
      complaint = null;
      if (pair.cert === known.cert && pair.key === known.key) return;
      deps.onChange(pair);
      known = pair;
      deps.logger.info("the certificate has changed: new connections get the new one");
    } catch (error) {
      const reason = error instanceof StartError ? error.message : "it can't be used";
      if (reason !== complaint) deps.logger.warn({ reason }, "the certificate stays as it was");
      complaint = reason;
    }
  };
  let isStopped = false;
  let cancel = (): void => {};
  const lookLater = (): void => {
    if (isStopped) return;
    cancel = deps.runtime.after(LOOK_MS, () => void look().then(lookLater));
  };
  lookLater();
  return () => {
    isStopped = true;
    cancel();
  };
};
