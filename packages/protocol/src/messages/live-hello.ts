import Type from "typebox";
import type { Limits } from "../limits.ts";
import type { MessageOf } from "../message-of.ts";
import { frameTypeField, liveTokenField } from "./live-field.ts";
import { clientIdField } from "./sync-request.ts";

/** The first frame of a client: who it is. Others may follow at once, without waiting for `welcome`. */
export const createLiveHelloSchema = (limits: Limits) =>
  Type.Object(
    {
      type: frameTypeField("hello"),
      protocol: Type.Literal(2, { description: "The version of the protocol." }),
      token: Type.Optional(liveTokenField()),
      client_id: Type.Optional(clientIdField(limits)),
    },
    {
      title: "hello",
      description:
        "The first frame: who the client is. It is answered with `welcome`, or with `error` and the end of the connection. In open mode there is no `token`. `client_id` stands for every push that has none of its own.",
      examples: [{ type: "hello", protocol: 2, token: "eyJ…", client_id: "c_01J9ZK2V" }],
    },
  );

export type LiveHello = MessageOf<ReturnType<typeof createLiveHelloSchema>>;
