import { describe, expect, test } from "vitest";
import { at, NOON, stored } from "../../testing/samples.ts";
import { sha256 } from "../../testing/sha256.ts";
import type { StoredRecord } from "../record.ts";
import { addMicros } from "../stamp.ts";
import { type DocumentVersions, versionsOfRecord, writeOver } from "./document.ts";
import type { History } from "./insert-history.ts";
import { type Arrival, replicate } from "./replicate.ts";
import type { Revision } from "./revision.ts";
import { revisionOfWrite, type Version } from "./revision-of-write.ts";
import { ancestryOf, conflictsOf, leavesOf, winnerOf } from "./revision-tree.ts";
import { formatTree } from "./tree-text.ts";

const context = { sha256, revisionsMax: 1_000, now: NOON };
const LATER = addMicros(NOON, 1);
const EARLIER = addMicros(NOON, -1);

const none = versionsOfRecord(sha256, null);

const history = (isDeleted: boolean, ...revisions: readonly string[]): History => ({
  revisions: revisions as unknown as History["revisions"],
  isDeleted,
});

/** A version as an app of CouchDB's world writes it. */
const theirs = (value: string | null, ...revisions: readonly string[]): Arrival => ({
  history: history(value === null, ...revisions),
  value,
  stamp: null,
  attachments: null,
});

/** A version as another Synchro sends it. */
const ours = (version: Version, parent: Revision | null = null): Arrival => {
  const revision = revisionOfWrite(sha256, parent, version);
  const revisions = parent === null ? [revision] : [revision, parent];
  return { ...theirs(version.value, ...revisions), stamp: version.stamp };
};

const recordOf = (version: Version): StoredRecord => stored({ ...version, seq: 7 });

const winnerIn = ({ tree }: DocumentVersions) => winnerOf(tree);

describe("[COUCH-9] a record that was never replicated", () => {
  test("is its own first version, by the same name each time", () => {
    const version = { stamp: NOON, value: '{"n":1}' };
    const versions = versionsOfRecord(sha256, version);
    expect(winnerIn(versions)).toEqual({
      revision: revisionOfWrite(sha256, null, version),
      isDeleted: false,
    });
    expect(versions).toEqual(versionsOfRecord(sha256, version));
    expect(winnerIn(versionsOfRecord(sha256, { stamp: NOON, value: null }))?.isDeleted).toBe(true);
    expect(winnerIn(none)).toBeNull();
  });
});

describe("[COUCH-10] a change that was judged by its stamp", () => {
  test("stands over the winner, and leaves conflicts as they are", () => {
    const { versions } = replicate(
      none,
      null,
      [theirs('{"n":1}', "1-a"), theirs('{"n":2}', "1-b")],
      context,
    );
    const written = writeOver(versions, { stamp: LATER, value: '{"n":3}' }, context);
    const winner = winnerIn(written);
    expect(ancestryOf(written.tree, winner?.revision ?? ("" as Revision)).slice(1)).toEqual([
      "1-b",
    ]);
    expect(conflictsOf(written.tree)).toEqual(["1-a"]);
    expect(written.leaves.get("1-a" as Revision)?.value).toBe('{"n":1}');
  });

  test("that deletes stands over every live leaf: none is left to win", () => {
    const { versions } = replicate(
      none,
      null,
      [theirs('{"n":1}', "1-a"), theirs('{"n":2}', "1-b"), theirs(null, "2-d", "1-c")],
      context,
    );
    const written = writeOver(versions, { stamp: LATER, value: null }, context);
    expect(leavesOf(written.tree).every(({ isDeleted }) => isDeleted)).toBe(true);
    expect(leavesOf(written.tree)).toHaveLength(3);
    expect(written.leaves.size).toBe(0);
  });

  test("keeps the attachments of what it stands over, of which its writer knew nothing", () => {
    const attachments = '{"photo.jpg":{"digest":"md5-x"}}';
    const { versions } = replicate(
      none,
      null,
      [{ ...theirs('{"n":1}', "1-a"), attachments }],
      context,
    );
    const written = writeOver(versions, { stamp: LATER, value: '{"n":2}' }, context);
    expect([...written.leaves]).toEqual([
      [winnerIn(written)?.revision, { value: null, stamp: null, attachments }],
    ]);
    expect(writeOver(written, { stamp: LATER, value: null }, context).leaves.size).toBe(0);
  });

  test("over nothing is a first version, and forgets old revisions beyond the limit", () => {
    const limited = { ...context, revisionsMax: 3 };
    let versions = none;
    for (let n = 0; n < 10; n += 1) {
      versions = writeOver(versions, { stamp: addMicros(NOON, n), value: `{"n":${n}}` }, limited);
    }
    expect(versions.tree.size).toBe(3);
    expect(winnerIn(versions)?.revision).toMatch(/^10-/);
  });
});

describe("[COUCH-11] versions that arrive", () => {
  test("without a stamp get one from this server, later than the stored one", () => {
    const first = replicate(none, null, [theirs('{"n":1}', "1-a")], context);
    expect(first.record).toEqual({
      kind: "written",
      version: { stamp: NOON, value: '{"n":1}' },
    });
    const ahead = recordOf({ stamp: at("2030-01-01T00:00:00Z"), value: '{"n":1}' });
    const second = replicate(first.versions, ahead, [theirs('{"n":1}', "2-a", "1-a")], context);
    // Equal values included: the winner is another revision.
    expect(second.record).toEqual({
      kind: "written",
      version: { stamp: addMicros(ahead.stamp, 1), value: '{"n":1}' },
    });
  });

  test("that lose are kept as conflicts, and the record takes a new seq", () => {
    const first = replicate(none, null, [theirs('{"n":2}', "1-b")], context);
    const record = recordOf({ stamp: NOON, value: '{"n":2}' });
    const second = replicate(first.versions, record, [theirs('{"n":1}', "1-a")], context);
    expect(second.record).toEqual({ kind: "kept", hasNewLeaf: true });
    expect(second.versions.leaves.get("1-a" as Revision)?.value).toBe('{"n":1}');
  });

  test("that are known already change nothing, not even a seq", () => {
    const first = replicate(none, null, [theirs('{"n":2}', "2-b", "1-b")], context);
    const record = recordOf({ stamp: NOON, value: '{"n":2}' });
    for (const again of [theirs('{"n":2}', "2-b", "1-b"), theirs('{"n":0}', "1-b")]) {
      const { versions, record: outcome } = replicate(first.versions, record, [again], context);
      expect(outcome).toEqual({ kind: "kept", hasNewLeaf: false });
      expect(formatTree(versions.tree)).toBe(formatTree(first.versions.tree));
    }
  });

  test("are judged once for the whole request", () => {
    const { record } = replicate(
      none,
      null,
      [theirs('{"n":1}', "1-a"), theirs('{"n":2}', "2-a", "1-a"), theirs(null, "3-a", "2-a")],
      context,
    );
    expect(record).toEqual({ kind: "written", version: { stamp: NOON, value: null } });
  });

  test("hand the record to a leaf that was a conflict when they delete the winner", () => {
    const first = replicate(
      none,
      null,
      [theirs('{"n":1}', "1-a"), theirs('{"n":2}', "1-b")],
      context,
    );
    const record = recordOf({ stamp: NOON, value: '{"n":2}' });
    const { record: outcome, versions } = replicate(
      first.versions,
      record,
      [theirs(null, "2-b", "1-b")],
      context,
    );
    expect(outcome).toEqual({
      kind: "written",
      version: { stamp: LATER, value: '{"n":1}' },
    });
    expect(versions.leaves.size).toBe(0);
  });
});

describe("[COUCH-12] a version that a Synchro wrote", () => {
  const record = recordOf({ stamp: NOON, value: '{"n":1}' });
  const versions = versionsOfRecord(sha256, record);
  const revision = winnerIn(versions)?.revision ?? ("" as Revision);

  test("keeps its stamp", () => {
    const arrival = ours({ stamp: LATER, value: '{"n":2}' }, revision);
    expect(replicate(versions, record, [arrival], context).record).toEqual({
      kind: "written",
      version: { stamp: LATER, value: '{"n":2}' },
    });
  });

  test("has no claim to a stamp if value, parent or stamp are not those of its name", () => {
    const arrival = ours({ stamp: EARLIER, value: '{"n":2}' }, revision);
    for (const forged of [
      { ...arrival, value: '{"n":3}' },
      { ...arrival, stamp: addMicros(EARLIER, -1) },
      { ...arrival, history: history(false, arrival.history.revisions[0], "1-x") },
    ]) {
      expect(replicate(versions, record, [forged], context).record).toMatchObject({
        kind: "written",
        version: { stamp: LATER },
      });
    }
  });

  test("and that is what is stored, writes nothing", () => {
    const again = ours({ stamp: NOON, value: '{"n":1}' }, "9-x" as Revision);
    expect(replicate(versions, record, [again], context).record).toEqual({
      kind: "kept",
      hasNewLeaf: true,
    });
  });
});

describe("[COUCH-13] a winner whose stamp is", () => {
  const record = recordOf({ stamp: NOON, value: '{"n":1}' });
  const versions = versionsOfRecord(sha256, record);
  const long = "9-x" as Revision;

  test("earlier than the stored one does not replace it: what is stored stands over it, and it is evidence", () => {
    const lost = { stamp: EARLIER, value: '{"n":2}' };
    const outcome = replicate(versions, record, [ours(lost, long)], context);
    expect(outcome.record).toEqual({ kind: "kept", hasNewLeaf: true, superseded: lost });
    const winner = winnerIn(outcome.versions)?.revision ?? ("" as Revision);
    expect(winner).toBe(revisionOfWrite(sha256, revisionOfWrite(sha256, long, lost), record));
  });

  test("earlier than that of a deletion leaves nothing live", () => {
    const deleted = recordOf({ stamp: NOON, value: null });
    const outcome = replicate(
      versionsOfRecord(sha256, deleted),
      deleted,
      [ours({ stamp: EARLIER, value: '{"n":2}' }, long), theirs('{"n":3}', "1-a")],
      context,
    );
    expect(leavesOf(outcome.versions.tree).filter(({ isDeleted }) => !isDeleted)).toEqual([]);
  });

  test("equal to it is right: two servers would else write over each other for ever", () => {
    const winner = ours({ stamp: NOON, value: '{"n":2}' }, long);
    expect(replicate(versions, record, [winner], context).record).toEqual({
      kind: "written",
      version: { stamp: NOON, value: '{"n":2}' },
    });
  });
});
