import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/** A DER value: tag, length, contents (X.690). */
const der = (tag: number, ...contents: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(contents);
  const { length } = body;
  const size =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
};

const sequence = (...contents: readonly Uint8Array[]): Buffer => der(0x30, ...contents);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, "hex"));
const text = (tag: number, value: string): Buffer => der(tag, Buffer.from(value));

const ED25519 = sequence(oid("2b6570"));

const nameOf = (commonName: string): Buffer =>
  sequence(der(0x31, sequence(oid("550403"), text(0x0c, commonName))));

const certificateOf = (
  commonName: string,
  keys: { publicKey: KeyObject; privateKey: KeyObject },
) => {
  const name = nameOf(commonName);
  const addresses = sequence(der(0x87, Buffer.from([127, 0, 0, 1])), text(0x82, "localhost"));
  const extensions = der(0xa3, sequence(sequence(oid("551d11"), der(0x04, addresses))));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ED25519,
    name,
    sequence(text(0x17, "200101000000Z"), text(0x17, "491231235959Z")),
    name,
    keys.publicKey.export({ format: "der", type: "spki" }),
    extensions,
  );
  const signature = sign(null, body, keys.privateKey);
  return sequence(body, ED25519, der(0x03, Buffer.from([0]), signature));
};

const pem = (label: string, bytes: Buffer): string =>
  `-----BEGIN ${label}-----\n${bytes.toString("base64").replaceAll(/(.{64})/g, "$1\n")}\n-----END ${label}-----\n`;

/** A certificate of 127.0.0.1 and localhost that vouches for itself (RFC 5280, RFC 8410), and its key. */
export const selfSigned = (
  commonName = "synchro.test",
): { readonly cert: string; readonly key: string } => {
  const keys = generateKeyPairSync("ed25519");
  return {
    cert: pem("CERTIFICATE", certificateOf(commonName, keys)),
    key: keys.privateKey.export({ format: "pem", type: "pkcs8" }),
  };
};
