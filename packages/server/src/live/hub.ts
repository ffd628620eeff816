import type { Cancel, Runtime, Seq, SpaceId } from "@synchro/core";

export type WakeReason = "changed" | "idle" | "aborted";

/**
 * One reader's ear on a space. What was announced since the listener was made, or since `wait` last
 * said `changed`, is remembered: a reader that listens first and reads then can't miss a wake-up.
 */
export type Listener<Frame> = {
  /** Resolves with `changed` at once if something was announced, else at the next announcement, after `idleMs`, or at the abort. */
  readonly wait: (idleMs: number, signal: AbortSignal) => Promise<WakeReason>;
  /**
   * One read and one encoding for all that stand at the same `position`: whoever asks first reads,
   * the others get the same frame. What was read before an announcement is never given after it,
   * and nothing is given that is older than `frameMsMax`.
   */
  readonly share: (position: string, read: () => Promise<Frame>) => Promise<Frame>;
  /** Whether anything was announced since the listener was made, or since `wait` or this last said so. */
  readonly takeNews: () => boolean;
  /** What `takeNews` told of has been passed on; `wait` says so by itself. */
  readonly settle: () => void;
  /**
   * The greatest seq that was announced since anyone listens to the space, or since an announcement
   * that named none: what is read now must not be older, or it is not what was announced.
   */
  readonly seqTold: () => Seq | null;
  /** Idempotent. */
  readonly close: () => void;
};

/**
 * Where a process tells itself that a space has changed. A lost hint would cost latency, never
 * data: readers look again when idle, and what others read before them grows old.
 */
export type Hub<Frame> = {
  /** With the space's head after the change; absent where it is not known. */
  readonly announce: (space: SpaceId, seq?: Seq) => void;
  /** With `onNews` each announcement calls it, and `takeNews` stands for `wait`. */
  readonly listen: (space: SpaceId, onNews?: () => void) => Listener<Frame>;
  /** Spaces that anyone listens to. */
  readonly spaces: () => number;
  readonly isWatched: (space: SpaceId) => boolean;
  readonly watched: () => readonly SpaceId[];
  /** Milliseconds since the oldest announcement that a reader has not passed on yet; 0 if there is none. */
  readonly oldestOwedMs: () => number;
};

type Ear = {
  /** When the first was announced that the reader was not told of; null: it knows all. By the monotonic clock. */
  newsSinceMs: number | null;
  /** When the first was announced that it was told of and has not passed on. */
  owedSinceMs: number | null;
  wake: (() => void) | null;
};

/** A frame, and when its read began, by the monotonic clock. */
type Shared<Frame> = { readonly frame: Promise<Frame>; readonly readAtMs: number };

/** Frames by position, the oldest first. */
type Room<Frame> = {
  readonly ears: Set<Ear>;
  readonly frames: Map<string, Shared<Frame>>;
  seqTold: Seq | null;
};

/**
 * Frames that one space keeps at a time: readers at one place are many, places are few. Past it the
 * oldest goes, so that nobody fills the memory with places of his own.
 */
const FRAMES_MAX = 16;

const tellNews = (ear: Ear): void => {
  ear.owedSinceMs = ear.newsSinceMs;
  ear.newsSinceMs = null;
};

const waitForNews = (
  runtime: Runtime,
  ear: Ear,
  idleMs: number,
  signal: AbortSignal,
): Promise<WakeReason> => {
  if (signal.aborted) return Promise.resolve("aborted");
  if (ear.newsSinceMs !== null) {
    tellNews(ear);
    return Promise.resolve("changed");
  }
  return new Promise((resolve) => {
    let cancelTimer: Cancel | null = null;
    const finish = (reason: WakeReason): void => {
      ear.wake = null;
      cancelTimer?.();
      signal.removeEventListener("abort", abort);
      resolve(reason);
    };
    const abort = (): void => finish("aborted");
    cancelTimer = runtime.after(idleMs, () => finish("idle"));
    signal.addEventListener("abort", abort);
    ear.wake = () => {
      tellNews(ear);
      finish("changed");
    };
  });
};

const forgetFrames = <Frame>(room: Room<Frame>, readBeforeMs: number): void => {
  for (const [position, { readAtMs }] of room.frames) {
    if (readAtMs > readBeforeMs && room.frames.size <= FRAMES_MAX) return;
    room.frames.delete(position);
  }
};

const shareFrame = <Frame>(
  room: Room<Frame>,
  position: string,
  read: () => Promise<Frame>,
  at: { readonly nowMs: number; readonly frameMsMax: number },
): Promise<Frame> => {
  forgetFrames(room, at.nowMs - at.frameMsMax);
  const known = room.frames.get(position);
  if (known !== undefined) return known.frame;
  const frame = read();
  const shared = { frame, readAtMs: at.nowMs };
  room.frames.set(position, shared);
  forgetFrames(room, Number.NEGATIVE_INFINITY);
  // A read that failed is not kept: the next one tries for itself.
  frame.catch(() => {
    if (room.frames.get(position) === shared) room.frames.delete(position);
  });
  return frame;
};

const announceIn = <Frame>(room: Room<Frame>, seq: Seq | undefined, nowMs: number): void => {
  room.frames.clear();
  room.seqTold = seq === undefined ? null : Math.max(room.seqTold ?? 0, seq);
  for (const ear of room.ears) {
    ear.newsSinceMs ??= nowMs;
    ear.wake?.();
  }
};

/**
 * A hub whose subscribers share frames of one type. A frame is kept until the space's next commit,
 * until it is `frameMsMax` milliseconds old or until the space's last listener goes. `onPassedOn` is
 * told the milliseconds from an announcement until a reader has passed it on and waits again.
 */
export const createHub = <Frame>(
  runtime: Runtime,
  frameMsMax: number,
  onPassedOn: (ms: number) => void = () => {},
): Hub<Frame> => {
  const rooms = new Map<SpaceId, Room<Frame>>();
  const listen = (space: SpaceId, onNews?: () => void): Listener<Frame> => {
    const room: Room<Frame> = rooms.get(space) ?? {
      ears: new Set(),
      frames: new Map(),
      seqTold: null,
    };
    rooms.set(space, room);
    const ear: Ear = { newsSinceMs: null, owedSinceMs: null, wake: onNews ?? null };
    room.ears.add(ear);
    const settle = (): void => {
      if (ear.owedSinceMs !== null) onPassedOn(runtime.monotonicMs() - ear.owedSinceMs);
      ear.owedSinceMs = null;
    };
    return {
      wait: (idleMs, signal) => {
        settle();
        return waitForNews(runtime, ear, idleMs, signal);
      },
      takeNews: () => {
        if (ear.newsSinceMs === null) return false;
        settle();
        tellNews(ear);
        return true;
      },
      settle,
      share: (position, read) =>
        shareFrame(room, position, read, { nowMs: runtime.monotonicMs(), frameMsMax }),
      seqTold: () => room.seqTold,
      close: () => {
        room.ears.delete(ear);
        if (room.ears.size === 0 && rooms.get(space) === room) rooms.delete(space);
      },
    };
  };
  const oldestOwedMs = (): number => {
    const nowMs = runtime.monotonicMs();
    let oldestMs = nowMs;
    for (const { ears } of rooms.values()) {
      for (const { owedSinceMs, newsSinceMs } of ears) {
        oldestMs = Math.min(oldestMs, owedSinceMs ?? newsSinceMs ?? nowMs);
      }
    }
    return nowMs - oldestMs;
  };
  return {
    announce: (space, seq) => {
      const room = rooms.get(space);
      if (room !== undefined) announceIn(room, seq, runtime.monotonicMs());
    },
    listen,
    spaces: () => rooms.size,
    isWatched: (space) => rooms.has(space),
    watched: () => [...rooms.keys()],
    oldestOwedMs,
  };
};
