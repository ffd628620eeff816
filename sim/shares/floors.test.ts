import { expect, test } from "vitest";
import { phases } from "../device.ts";
import { stepsBetween } from "../plan.ts";
import { floorsByPhase } from "./floors.ts";

/** What strikes nobody in particular, or a device that has no phases. */
const ofNobody = new Set(["image", "hostile_request", "v1_device_kill"]);

const faults = Object.keys(stepsBetween).filter((name) => !ofNobody.has(name));

/** These end whatever an offer run is for, so they are not sought there, and met too seldom to be counted on. */
const tooRare = new Set(["erase offer_run", "restore_final offer_run", "wipe offer_run"]);

test.each(faults)("%s has a floor for each phase of a device", (fault) => {
  const expected = phases.filter((phase) => !tooRare.has(`${fault} ${phase}`));
  expect(Object.keys(floorsByPhase[fault] ?? {})).toEqual(expected);
});
