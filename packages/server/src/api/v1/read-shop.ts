import { isSpaceId, type SpaceId } from "@synchro/core";
import type { FieldError } from "@synchro/protocol";
import type { FastifyRequest } from "fastify";
import { singleQuery } from "../../http/single-query.ts";

/** The space of a `/v1` request that names none, in open mode. */
const DEFAULT_SHOP = "default" as SpaceId;

export type ShopReading =
  | { readonly kind: "ok"; readonly space: SpaceId }
  | { readonly kind: "bad"; readonly error: FieldError };

/** Reads `?shop=`. Spec: V1-*. */
export const readShop = (request: FastifyRequest): ShopReading => {
  const query = singleQuery(request);
  if (query.kind === "repeated") return { kind: "bad", error: query.error };
  const { shop } = query.values;
  if (shop === undefined) return { kind: "ok", space: DEFAULT_SHOP };
  if (isSpaceId(shop)) return { kind: "ok", space: shop };
  const message = "shop must be the id of a space: [a-z0-9][a-z0-9._-]{0,62}";
  return { kind: "bad", error: { path: "/shop", message } };
};
