import { describe, expect, test } from "vitest";
import { readNatsPlace } from "./nats-place.ts";

describe("addresses of NATS", () => {
  test.each([
    ["http://127.0.0.1:4222"],
    ["127.0.0.1:4222"],
    ["nats://"],
    ["nats://:4222"],
    ["nats://host:99999"],
    ["nats://host/a.b"],
    ["nats://host/>"],
    ["nats://host/a/b"],
    ["nats://host?x=1"],
    ["nats://user:%zz@host"],
    [""],
  ])("that can't be read are none: %s", (text) => {
    expect(readNatsPlace([text])).toBeNull();
  });

  test("that are of several clusters are none", () => {
    expect(readNatsPlace(["nats://a", "nats://b/shops"])).toBeNull();
    expect(readNatsPlace(["nats://a", "tls://b"])).toBeNull();
    expect(readNatsPlace(["nats://me:secret@a", "nats://b"])).toBeNull();
  });

  test("name servers, and what is the same for all of them", () => {
    expect(readNatsPlace([])).toBeNull();
    expect(readNatsPlace(["nats://127.0.0.1"])).toEqual({
      servers: ["127.0.0.1:4222"],
      user: null,
      password: null,
      isEncrypted: false,
      subject: "synchro.hints",
    });
    expect(
      readNatsPlace([
        "tls://me:s%2Fcr%C3%A4t@a.example:80/shops",
        "tls://me:s%2Fcr%C3%A4t@[::1]:5/shops",
      ]),
    ).toEqual({
      servers: ["a.example:80", "[::1]:5"],
      user: "me",
      password: "s/crät",
      isEncrypted: true,
      subject: "synchro.shops.hints",
    });
    expect(readNatsPlace(["nats://token@host"])).toMatchObject({ user: "token", password: null });
  });
});
