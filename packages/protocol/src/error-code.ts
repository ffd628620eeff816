import type { RejectionCode } from "@synchro/core";

/** An answer that no result came of, as a problem document (RFC 9457) with this status. */
export type ProblemEntry = {
  readonly status: number;
  readonly title: string;
  readonly meaning: string;
  readonly remedy: string;
};

/** A change that was refused within a 200; its neighbours stand. */
export type RejectionEntry = {
  /** False: the client mends the change and sends it again by itself. */
  readonly isFinal: boolean;
  readonly meaning: string;
  readonly remedy: string;
};

/**
 * Every code of a problem document, by status. No status says anything about a change's durability,
 * and none is final for it, save 413 for a change that was sent alone. `docs/errors.md` is made
 * from this table and the next (`npm run docs:errors`).
 */
export const problems = {
  bad_json: {
    status: 400,
    title: "The body is not JSON",
    meaning: "The body could not be read as JSON in UTF-8 (RFC 8259), or ended too early.",
    remedy: "Send one JSON object, encoded in UTF-8. The same bytes will never pass.",
  },
  bad_request: {
    status: 400,
    title: "The request breaks its schema",
    meaning:
      "A member or a parameter is missing, of a wrong type or beyond its bounds. `errors` names each by its path, with the rule. Nothing was applied.",
    remedy: "Mend the fields that `errors` names. The same bytes will never pass.",
  },
  duplicate_key: {
    status: 400,
    title: "A record stands twice in the request",
    meaning:
      "Two changes of one `/v2` request name the same collection and key, so that their order would decide what is kept. Nothing was applied.",
    remedy: "Keep the later change of the two, or send them in two requests.",
  },
  undeclared_collection: {
    status: 400,
    title: "The collection is not declared here",
    meaning:
      "`collections` names one that this server does not know. (A change to such a collection is rejected alone, as `unknown_collection`.)",
    remedy: "Correct the name, or declare the collection in the server's configuration.",
  },
  shop_required: {
    status: 400,
    title: "The shop is not named",
    meaning: "A `/v1` request names no shop, and the token holds several spaces.",
    remedy: "Add `?shop=ID` with the id of one of the token's spaces.",
  },
  unauthorized: {
    status: 401,
    title: "No valid token",
    meaning: "The request carries no token, or one that is unknown, expired or revoked.",
    remedy:
      "Get a new token and send the same request again. Until then the outbox waits: delete nothing.",
  },
  forbidden: {
    status: 403,
    title: "The token may not do this",
    meaning: "The token holds this space, but not the permission that the request needs.",
    remedy:
      "Ask for the permission and send the same request again. Until then the outbox waits: delete nothing.",
  },
  invitation_refused: {
    status: 403,
    title: "The code lets nobody in",
    meaning: "The code of an invitation is unknown, used up or expired; nobody learns which.",
    remedy: "Check the code as it was shown, or ask for a new one.",
  },
  host_not_allowed: {
    status: 403,
    title: "This host name is not served",
    meaning:
      "In open mode the server answers only to localhost, 127.0.0.1 and [::1], so that no web page can reach it through a name of its own (DNS rebinding).",
    remedy: "Call the server by its loopback address.",
  },
  origin_not_allowed: {
    status: 403,
    title: "This web page may not connect",
    meaning:
      "A WebSocket was asked for by a page of an origin that is neither the server's own nor among those that its operator lets in.",
    remedy: "The operator names the origin with `--cors-origin`.",
  },
  forwarded_refused: {
    status: 403,
    title: "Forwarded requests are refused",
    meaning:
      "The request carries a header of a proxy (`Forwarded`, `X-Forwarded-*`, `X-Real-IP`), and in open mode everybody may do everything: it must not be published through a proxy.",
    remedy: "Call the server directly, from its own machine.",
  },
  not_found: {
    status: 404,
    title: "Nothing here",
    meaning:
      "No route has this path, or the token does not hold this space. A space of others and one that does not exist are told apart by nothing.",
    remedy: "Check the path, the id of the space and the token.",
  },
  method_not_allowed: {
    status: 405,
    title: "Wrong method",
    meaning: "The path exists, but not with this method.",
    remedy: "Use a method that the header `Allow` lists.",
  },
  request_timeout: {
    status: 408,
    title: "The request came too slowly",
    meaning: "Headers and body did not arrive in time. Nothing was applied.",
    remedy: "Send the same request again; over a slow line, in smaller batches.",
  },
  space_exists: {
    status: 409,
    title: "The space exists",
    meaning:
      "A space with this id was made before; it may have been deleted since, and its records kept. Nothing was changed.",
    remedy: "Use the space as it is, or choose another id. The operator can take a deletion back.",
  },
  body_too_large: {
    status: 413,
    title: "The body is too large",
    meaning: "The body passes the server's limit in bytes, counted after decompression.",
    remedy: "Send half of the changes in each request. A single change that is too large is final.",
  },
  too_many_changes: {
    status: 413,
    title: "Too many changes",
    meaning: "The request holds more changes than the server takes at once. Nothing was applied.",
    remedy: "Send half of the changes in each request.",
  },
  too_complex: {
    status: 413,
    title: "The body is too complex",
    meaning: "The body holds too many JSON values and names, or nests too deeply.",
    remedy:
      "Send half of the changes in each request. A single change that is too complex is final.",
  },
  uri_too_long: {
    status: 414,
    title: "The address is too long",
    meaning: "The path, a parameter or the query is longer than the server reads.",
    remedy: "Name fewer collections, or use `POST …/sync` with `changes` left out.",
  },
  unsupported_media_type: {
    status: 415,
    title: "The body has another media type",
    meaning: "The body's `Content-Type` is not `application/json` in UTF-8.",
    remedy: "Send JSON, with `Content-Type: application/json`.",
  },
  unsupported_encoding: {
    status: 415,
    title: "The body's encoding is not known",
    meaning: "The body is compressed in a way that the server can't undo, or is damaged.",
    remedy: "Use an encoding that the header `Accept-Encoding` of this answer lists, or none.",
  },
  upgrade_required: {
    status: 426,
    title: "WebSocket only",
    meaning: "The path serves WebSockets, and the request did not ask for one.",
    remedy: "Connect with a WebSocket client, with the subprotocol `synchro.v2`.",
  },
  rate_limited: {
    status: 429,
    title: "Too many requests",
    meaning:
      "This caller makes more requests than the server takes from one. Nothing of this one was read or applied.",
    remedy:
      "Send the same request again after `Retry-After` seconds and a random while more; send more changes in fewer requests, and follow changes with a stream instead of polling.",
  },
  quota_exceeded: {
    status: 429,
    title: "The space is full",
    meaning:
      "The space holds as many live records as its quota allows, or more. Nothing of the request was applied.",
    remedy:
      "Keep the changes and send the same request again after `Retry-After` seconds and a random while more. Deletes alone still pass, and make room; or the operator raises the quota.",
  },
  too_many_subscriptions: {
    status: 429,
    title: "Too many subscriptions",
    meaning: "The connection follows as many spaces as one may.",
    remedy: "Unsubscribe from another space, or open another connection.",
  },
  headers_too_large: {
    status: 431,
    title: "The headers are too large",
    meaning: "The request's headers pass the server's limit in bytes.",
    remedy: "Send fewer and shorter headers; a cursor also fits into the query or the body.",
  },
  internal: {
    status: 500,
    title: "The server failed",
    meaning:
      "A defect of the server. Its log has the cause, under the id that the header `X-Request-Id` holds.",
    remedy: "Send the same request again later: applying twice is applying once.",
  },
  unavailable: {
    status: 503,
    title: "Not now",
    meaning:
      "The server is starting, stopping, has as much to do as it takes on, or can't look up now who was shut out.",
    remedy: "Send the same request again after `Retry-After` seconds and a random while more.",
  },
  storage_full: {
    status: 507,
    title: "The server's storage is full",
    meaning: "The disk has no room. Nothing of the request was applied.",
    remedy:
      "Keep the changes and send the same request again later; the operator makes room, and no restart is needed.",
  },
} as const satisfies Record<string, ProblemEntry>;

export type ProblemCode = keyof typeof problems;

/** Every code of a rejected change. The compiler holds it against core's list. */
export const rejections: { readonly [code in RejectionCode]: RejectionEntry } = {
  bad_change: {
    isFinal: true,
    meaning:
      "The change is not an object, or one of its own members is missing or of a wrong type.",
    remedy: "Mend the program that made it.",
  },
  bad_key: {
    isFinal: true,
    meaning:
      "`key` is not a string of 1 to 250 code points and at most 1,000 bytes in UTF-8, well formed and without U+0000.",
    remedy: "Save the record under another key.",
  },
  bad_stamp: {
    isFinal: true,
    meaning:
      "`updated_at` is not an instant of the years 1 to 9999, `YYYY-MM-DDTHH:MM:SS[.f]Z` with at most 6 fractional digits.",
    remedy: "Save the record anew, with a stamp of this form.",
  },
  bad_value: {
    isFinal: true,
    meaning: "`value` is missing or not a JSON object, and the change is no delete.",
    remedy: 'Send an object, or `"deleted": true`.',
  },
  key_mismatch: {
    isFinal: true,
    meaning: "The value repeats the collection's key field, with something other than the key.",
    remedy: "Make them equal, or leave the field out.",
  },
  reserved_member: {
    isFinal: true,
    meaning: "A top-level member of the value starts with `_`. Such names are kept free.",
    remedy: "Give the member another name.",
  },
  data_rule: {
    isFinal: true,
    meaning:
      "The change holds what not every store can keep: a lone surrogate, U+0000, a number that a double alters, a member name twice in an object, a member called `__proto__` or `constructor`, or too deep nesting.",
    remedy: "Change what `path` names; send large or precise numbers as strings.",
  },
  value_too_large: {
    isFinal: true,
    meaning: "The value's JSON text passes the server's limit in bytes.",
    remedy: "Make the value smaller, or split the record.",
  },
  unknown_collection: {
    isFinal: true,
    meaning: "This server declares no collection of that name.",
    remedy: "Correct the name, or declare the collection and save the record anew.",
  },
  not_subscribed: {
    isFinal: true,
    meaning: "The change's collection is not among the `collections` of its own request.",
    remedy: "Add the collection to `collections`, and save the record anew.",
  },
  schema_mismatch: {
    isFinal: true,
    meaning: "The value does not fit the collection's JSON Schema.",
    remedy: "Correct what `path` names, and save the record anew.",
  },
  policy_mismatch: {
    isFinal: true,
    meaning:
      "The change carries `life` or `stamps`, and its collection is of the policy `last-write`; or it lacks a `life`, and its collection is of the policy `fields`.",
    remedy: "Declare the collection with the policy that the server has, and save the record anew.",
  },
  incomplete: {
    isFinal: true,
    meaning:
      "In a collection of the policy `fields`: no record of this life is stored, and the change lacks a field that every record has. It was made over a version that this server does not have: a restore or a purge has taken it.",
    remedy:
      "A client that holds that version sends all of its fields, each with its own stamp and with the change in it, as one change; else save the record anew.",
  },
  stale: {
    isFinal: true,
    meaning:
      "The record is absent, and the change is as old as deletes that were purged: the record may have been deleted meanwhile.",
    remedy: "If it should live, save it anew: a new stamp passes.",
  },
  stamp_ahead: {
    isFinal: false,
    meaning:
      "`updated_at` is more than 5 minutes ahead of the server's clock and more than 1 second ahead of the stored version. `stored` is that version's stamp, or null.",
    remedy:
      "Correct the clock by this answer's `now`, stamp the change with the later of that time and `stored` + 1 µs, make it durable, and send it again.",
  },
};
