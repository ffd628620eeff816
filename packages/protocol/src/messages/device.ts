import Type from "typebox";
import type { MessageOf } from "../message-of.ts";
import { nullableStampField, stampField } from "./field.ts";
import { levelField, titleField } from "./space-entry.ts";

/** 32 random bytes in base64url without padding (RFC 4648, section 5). */
export const DEVICE_SECRET_PATTERN = "^[A-Za-z0-9_-]{43}$";

const deviceIdField = () =>
  Type.String({ description: "The device.", examples: ["d_0123456789abcdef0123"] });

/** A device asks to be let in. */
export const deviceAdmissionSchema = Type.Object(
  {
    code: Type.String({
      minLength: 1,
      maxLength: 64,
      description:
        "The code of an invitation, as it was typed: case, spaces and dashes don't matter.",
    }),
    secret: Type.String({
      pattern: DEVICE_SECRET_PATTERN,
      description:
        "The device's own secret: 32 random bytes in base64url, 43 characters, made and stored before the first request. The same code with the same secret again is the same device.",
    }),
    name: titleField({ description: "What people call the device." }),
  },
  {
    title: "Device admission",
    description: "A device asks to be let in by a code.",
    examples: [
      {
        code: "7kq4 m2xd 9rta",
        secret: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        name: "scanner 3",
      },
    ],
  },
);

export type DeviceAdmission = MessageOf<typeof deviceAdmissionSchema>;

/** A token for a device, and what it may do with it. */
export const deviceTokenSchema = Type.Object(
  {
    device: Type.Object({
      id: deviceIdField(),
      name: Type.String({ description: "What people call it." }),
      created_at: stampField({ description: "When it was let in." }),
    }),
    token: Type.String({ description: "To be sent as `Authorization: Bearer TOKEN`." }),
    expires_at: stampField({
      description: "When the token ends. The device gets the next one for its secret before that.",
    }),
    spaces: Type.Array(
      Type.Object({
        space: Type.String({ description: "The id of a space; `*`: every one." }),
        level: levelField("What the device may do there."),
      }),
      { description: "What the device may do." },
    ),
  },
  {
    title: "Device token",
    description: "A token for a device, and what it may do with it.",
    examples: [
      {
        device: {
          id: "d_0123456789abcdef0123",
          name: "scanner 3",
          created_at: "2026-11-24T10:02:00Z",
        },
        token: "eyJhbGciOiJFZERTQSJ9.e30.c2ln",
        expires_at: "2026-11-25T10:02:00Z",
        spaces: [{ space: "shop-1", level: "write" }],
      },
    ],
  },
);

export type DeviceToken = MessageOf<typeof deviceTokenSchema>;

/** The devices of a space, the newest first. */
export const deviceListSchema = Type.Object(
  {
    devices: Type.Array(
      Type.Object({
        id: deviceIdField(),
        name: Type.String({ description: "What people call it." }),
        level: levelField("What it may do in this space."),
        created_at: stampField({ description: "When it was let in." }),
        renewed_at: stampField({ description: "When it last got a token, to the minute." }),
        revoked_at: nullableStampField({ description: "When it was shut out; null: it is not." }),
      }),
    ),
  },
  {
    title: "Device list",
    description: "The devices of a space, the newest first.",
    examples: [
      {
        devices: [
          {
            id: "d_0123456789abcdef0123",
            name: "scanner 3",
            level: "write",
            created_at: "2026-11-24T10:02:00Z",
            renewed_at: "2026-11-24T11:02:00Z",
            revoked_at: null,
          },
        ],
      },
    ],
  },
);

export type WireDeviceList = MessageOf<typeof deviceListSchema>;
