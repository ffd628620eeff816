import type { Cancel, Runtime, SpaceId } from "@synchro/core";

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
  /** Idempotent. */
  readonly close: () => void;
};

/**
 * Where a process tells itself that a space has changed. A lost hint would cost latency, never
 * data: readers look again when idle, and what others read before them grows old.
 */
export type Hub<Frame> = {
  readonly announce: (space: SpaceId) => void;
  readonly listen: (space: SpaceId) => Listener<Frame>;
  /** Spaces that anyone listens to. */
  readonly spaces: () => number;
};

type Ear = { hasNews: boolean; wake: (() => void) | null };

/** A frame, and when its read began, by the monotonic clock. */
type Shared<Frame> = { readonly frame: Promise<Frame>; readonly readAtMs: number };

/** Frames by position, the oldest first. */
type Room<Frame> = { readonly ears: Set<Ear>; readonly frames: Map<string, Shared<Frame>> };

/**
 * Frames that one space keeps at a time: readers at one place are many, places are few. Past it the
 * oldest goes, so that nobody fills the memory with places of his own.
 */
const FRAMES_MAX = 16;

const waitForNews = (
  runtime: Runtime,
  ear: Ear,
  idleMs: number,
  signal: AbortSignal,
): Promise<WakeReason> => {
  if (signal.aborted) return Promise.resolve("aborted");
  if (ear.hasNews) {
    ear.hasNews = false;
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
      ear.hasNews = false;
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

/**
 * A hub whose subscribers share frames of one type. A frame is kept until the space's next commit,
 * until it is `frameMsMax` milliseconds old or until the space's last listener goes.
 */
export const createHub = <Frame>(runtime: Runtime, frameMsMax: number): Hub<Frame> => {
  const rooms = new Map<SpaceId, Room<Frame>>();
  const listen = (space: SpaceId): Listener<Frame> => {
    const room: Room<Frame> = rooms.get(space) ?? { ears: new Set(), frames: new Map() };
    rooms.set(space, room);
    const ear: Ear = { hasNews: false, wake: null };
    room.ears.add(ear);
    return {
      wait: (idleMs, signal) => waitForNews(runtime, ear, idleMs, signal),
      share: (position, read) =>
        shareFrame(room, position, read, { nowMs: runtime.monotonicMs(), frameMsMax }),
      close: () => {
        room.ears.delete(ear);
        if (room.ears.size === 0 && rooms.get(space) === room) rooms.delete(space);
      },
    };
  };
  return {
    announce: (space) => {
      const room = rooms.get(space);
      if (room === undefined) return;
      room.frames.clear();
      for (const ear of room.ears) {
        ear.hasNews = true;
        ear.wake?.();
      }
    },
    listen,
    spaces: () => rooms.size,
  };
};
