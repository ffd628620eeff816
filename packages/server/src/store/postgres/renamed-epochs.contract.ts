import {
  type CursorPosition,
  type Decoded,
  drawEpoch,
  type Epoch,
  type EpochPosition,
  type SpaceState,
} from "@synchro/core";
import { systemRuntime } from "../../system-runtime.ts";
import type { OpenedStore, StoreHarness } from "../store-harness.contract.ts";
import type { PullOutcome, SpaceSnapshot, Store, StoreOptions } from "../store.ts";

/** The names of epochs in both directions: drawn here, as another engine would have, and the database's own. */
type Names = { readonly drawn: Map<Epoch, Epoch>; readonly own: Map<Epoch, Epoch> };

const lifeSuffix = /f\d+$/;

const rename = (names: ReadonlyMap<Epoch, Epoch>, epoch: Epoch): Epoch => {
  const base = epoch.slice(0, 20) as Epoch;
  const suffix = lifeSuffix.exec(epoch.slice(20))?.[0] ?? "";
  return `${names.get(base) ?? base}${suffix}` as Epoch;
};

const renameState = (names: Names, state: SpaceState | null): SpaceState | null =>
  state && {
    ...state,
    epochs: state.epochs.map(({ epoch, fromSeq }) => ({
      epoch: rename(names.drawn, epoch),
      fromSeq,
    })),
  };

const renamePosition = <Position extends EpochPosition>(
  names: ReadonlyMap<Epoch, Epoch>,
  position: Position,
): Position => ({ ...position, epoch: rename(names, position.epoch) });

const renameHeld = <Position extends EpochPosition>(
  names: ReadonlyMap<Epoch, Epoch>,
  held: Decoded<Position>,
): Decoded<Position> => (held === null || held === "invalid" ? held : renamePosition(names, held));

const renameOutcome = (names: Names, outcome: PullOutcome): PullOutcome => ({
  ...outcome,
  position: outcome.position && renamePosition<CursorPosition>(names.drawn, outcome.position),
});

const renameSnapshot = (names: Names, snapshot: SpaceSnapshot): SpaceSnapshot => ({
  state: renameState(names, snapshot.state),
  lookup: (...of) => snapshot.lookup(...of),
  liveByStamp: (...of) => snapshot.liveByStamp(...of),
  close: () => snapshot.close(),
});

/** A store whose epochs are called as they were drawn from the runtime that it was given. */
const renameStore = (store: Store, names: Names, runtime: StoreOptions["runtime"]): Store => {
  const learn = (drawn: Epoch, own: Epoch): void => {
    names.drawn.set(own, drawn);
    names.own.set(drawn, own);
  };
  learn(drawEpoch(runtime), store.epoch);
  return {
    capabilities: store.capabilities,
    get epoch() {
      return rename(names.drawn, store.epoch);
    },
    push: async (push) => {
      const outcome = await store.push(push);
      if (outcome.kind === "full") return outcome;
      return { ...outcome, position: renamePosition(names.drawn, outcome.position) };
    },
    pull: async (request) => {
      const cursor = renameHeld(names.own, request.cursor);
      const ack = renameHeld(names.own, request.ack);
      return renameOutcome(names, await store.pull({ ...request, cursor, ack }));
    },
    openSnapshot: async (space) => renameSnapshot(names, await store.openSnapshot(space)),
    listSpaces: () => store.listSpaces(),
    describeSpace: async (space) => renameState(names, await store.describeSpace(space)),
    listEvidence: (...of) => store.listEvidence(...of),
    listRejections: (...of) => store.listRejections(...of),
    listHistory: (...of) => store.listHistory(...of),
    purge: (...of) => store.purge(...of),
    beginEpoch: async (space) => {
      const drawn = drawEpoch(runtime);
      const outcome = await store.beginEpoch(space);
      if (outcome.kind === "full") return outcome;
      learn(drawn, outcome.epoch);
      return { ...outcome, epoch: drawn };
    },
    eraseSpace: async (space) => {
      const drawn = drawEpoch(runtime);
      const outcome = await store.eraseSpace(space);
      if (outcome.kind === "erased" && outcome.isFound) learn(drawn, store.epoch);
      return outcome;
    },
    close: () => store.close(),
  };
};

const over = (
  opened: OpenedStore,
  names: Names,
  runtime: StoreOptions["runtime"],
): OpenedStore => ({
  store: renameStore(opened.store, names, runtime),
  reopen: async (options) => {
    const next = await opened.reopen({ ...options, runtime: ownRandomness(options.runtime) });
    return over(next, names, options.runtime);
  },
  dispose: () => opened.dispose(),
});

/** So that what the engine draws for itself is not missed by whoever counts. */
const ownRandomness = (runtime: StoreOptions["runtime"]): StoreOptions["runtime"] => ({
  ...runtime,
  randomBytes: systemRuntime.randomBytes,
});

/** For engines that name epochs themselves: they then differ from others by nothing that can be seen. */
export const withRenamedEpochs = (harness: StoreHarness): StoreHarness => ({
  open: async (options, ground) => {
    const opened = await harness.open(
      { ...options, runtime: ownRandomness(options.runtime) },
      ground,
    );
    return over(opened, { drawn: new Map(), own: new Map() }, options.runtime);
  },
});
