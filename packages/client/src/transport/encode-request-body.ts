/** A request's body with the headers that tell of it. */
export type RequestBody = {
  readonly bytes: string | Uint8Array<ArrayBuffer>;
  readonly headers: { readonly [name: string]: string };
};

const CONTENT_TYPE = { "content-type": "application/json" } as const;

const gzip = async (text: string): Promise<Uint8Array<ArrayBuffer>> => {
  const source = new Blob([text]).stream();
  const compressed = source.pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(compressed).arrayBuffer());
};

/** JSON text as a body: compressed where it is longer than `compressAboveChars` and the platform can. */
export const encodeRequestBody = async (
  text: string,
  compressAboveChars: number,
): Promise<RequestBody> => {
  if (text.length <= compressAboveChars || typeof CompressionStream === "undefined") {
    return { bytes: text, headers: CONTENT_TYPE };
  }
  return { bytes: await gzip(text), headers: { ...CONTENT_TYPE, "content-encoding": "gzip" } };
};
