import { describe, expect, test } from "vitest";
import { createCollectionRegistry } from "./collection-registry.ts";

const faults = (name: string, value: object) =>
  createCollectionRegistry()
    .get(name)
    ?.validate(value as never);

describe("[DATA-19] the built-in collections", () => {
  test("a name that no collection has is nobody's, whatever an object would answer", () => {
    const registry = createCollectionRegistry();
    for (const name of ["", "reading", "constructor", "__proto__", "toString", "Readings"]) {
      expect(registry.get(name)).toBeUndefined();
    }
  });

  test.each<[string, object, string]>([
    ["readings", {}, "/expiration_date"],
    ["readings", { expiration_date: "soon" }, "/expiration_date"],
    ["readings", { expiration_date: "2026-12-01", quantity: "1" }, "/quantity"],
    ["readings", { expiration_date: "2026-12-01", gtin: 1 }, "/gtin"],
    ["batches", { expiration_date: "2026-12-01" }, "/gtin"],
    ["batches", { gtin: "04012345678901" }, "/expiration_date"],
    ["batches", { gtin: "04012345678901", expiration_date: "2026-12-01", lot: 1 }, "/lot"],
  ])("%s refuses %j", (name, value, path) => {
    expect(faults(name, value)).toEqual([{ path, message: expect.any(String) }]);
  });

  test("take what an app adds", () => {
    const value = { expiration_date: "2026-12-01", quantity: 3, shelf: { row: 1 } };
    expect(faults("readings", value)).toEqual([]);
    expect(faults("batches", { ...value, gtin: "1", lot: "A" })).toEqual([]);
  });

  test("readings repeat their key as gtin, batches have keys of their own", () => {
    const registry = createCollectionRegistry();
    expect(registry.get("readings")?.keyField).toBe("gtin");
    expect(registry.get("batches")?.keyField).toBeNull();
  });
});
