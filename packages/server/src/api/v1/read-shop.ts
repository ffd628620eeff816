import { isSpaceId, type SpaceId } from "@synchro/core";
import type { FieldError } from "@synchro/protocol";
import type { FastifyRequest } from "fastify";
import { onlySpaceOf } from "../../control/describe-grants.ts";
import { credentialsOf } from "../../http/credentials.ts";
import { singleQuery } from "../../http/single-query.ts";
import type { Identify, Identity } from "../../service/authorize.ts";

/** The space of a `/v1` request that names none, in open mode. */
const DEFAULT_SHOP = "default" as SpaceId;

export type ShopReading =
  | { readonly kind: "ok"; readonly space: SpaceId }
  | { readonly kind: "bad"; readonly error: FieldError }
  /** The request names none, and its token holds more than one. */
  | { readonly kind: "required"; readonly error: FieldError }
  /** It must be known who asks, and is not. */
  | { readonly kind: "unknown"; readonly identity: UnknownIdentity };

type UnknownIdentity = Exclude<Identity, { readonly kind: "known" }>;

/** The space of a request that names none: the token's only one, `default` where there are no tokens. */
const impliedShop = async (identify: Identify, request: FastifyRequest): Promise<ShopReading> => {
  const identity = await identify(credentialsOf(request), { counts: false });
  if (identity.kind !== "known") return { kind: "unknown", identity };
  const { subject, grants } = identity.principal;
  const space = subject === null ? DEFAULT_SHOP : onlySpaceOf(grants);
  if (space !== null) return { kind: "ok", space };
  const message = "shop is required: this token holds more than one space";
  return { kind: "required", error: { path: "/shop", message } };
};

/** Reads `?shop=`. Spec: V1-*. */
export const readShop = async (
  identify: Identify,
  request: FastifyRequest,
): Promise<ShopReading> => {
  const query = singleQuery(request);
  if (query.kind === "repeated") return { kind: "bad", error: query.error };
  const { shop } = query.values;
  if (shop === undefined) return impliedShop(identify, request);
  if (isSpaceId(shop)) return { kind: "ok", space: shop };
  const message = "shop must be the id of a space: [a-z0-9][a-z0-9._-]{0,62}";
  return { kind: "bad", error: { path: "/shop", message } };
};
