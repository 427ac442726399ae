"""What a commit changed, kept for as long as a superseding commit may take it back: its statements.

A commit is contestable until a device that was in the room before it, other than its sender, has made a
commit after it: that device took it for good.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Contestable:
    """A commit that may be superseded; ``addition_epoch`` is the room's before it, ``sender`` a device."""

    seq: int
    epoch: int
    sender: int
    addition_epoch: int


@dataclass(frozen=True, slots=True)
class RosterBefore:
    """A roster without a run of commits. ``put_in`` and ``taken_out``: devices that taking the run back puts
    in or takes out, with the last seq each may read, None when it may read nothing.
    """

    members: set[int]
    put_in: set[int]
    taken_out: dict[int, int | None]


def note_commit(db: sqlite3.Connection, room: int, commit: Contestable, changed: Iterable[int]) -> None:
    """Remember a commit and, before they are changed, the roster's rows of the devices it changes.

    What its sender has confirmed by making it, for it was in the room before that, is contestable no longer,
    and forgotten.
    """
    db.execute(
        "INSERT INTO contestable (room, seq, epoch, sender, addition_epoch) VALUES (?, ?, ?, ?, ?)",
        (room, commit.seq, commit.epoch, commit.sender, commit.addition_epoch),
    )
    db.executemany(
        "INSERT INTO roster_before (room, seq, device, was_listed, until_seq)"
        " SELECT d.room, d.seq, d.device, r.device IS NOT NULL, r.until_seq"
        " FROM (SELECT ? AS room, ? AS seq, ? AS device) d"
        " LEFT JOIN roster r ON r.room = d.room AND r.device = d.device",
        [(room, commit.seq, device) for device in changed],
    )
    db.execute(
        "DELETE FROM contestable AS c WHERE room = :room AND sender <> :device AND NOT EXISTS"
        " (SELECT 1 FROM roster_before b WHERE b.room = c.room AND b.seq >= c.seq AND b.device = :device"
        " AND (NOT b.was_listed OR b.until_seq IS NOT NULL))",
        {"room": room, "device": commit.sender},
    )
    db.execute(
        "DELETE FROM roster_before WHERE room = :room"
        " AND seq < (SELECT min(seq) FROM contestable WHERE room = :room)",
        {"room": room},
    )


def find_contestable(db: sqlite3.Connection, room: int, seq: int) -> Contestable | None:
    """Look up a commit that may be superseded."""
    row = db.execute(
        "SELECT seq, epoch, sender, addition_epoch FROM contestable WHERE room = ? AND seq = ?", (room, seq)
    ).fetchone()
    return None if row is None else Contestable(*row)


def roster_before(db: sqlite3.Connection, room: int, seq: int, members: set[int]) -> RosterBefore:
    """The roster as it was before the commit ``seq``, where ``members`` are in the room now."""
    rows = db.execute(
        "SELECT device, was_listed, until_seq FROM roster_before WHERE room = ? AND seq >= ?"
        " ORDER BY seq DESC",
        (room, seq),
    )
    earliest = {device: (bool(was_listed), until_seq) for device, was_listed, until_seq in rows}
    before = {device for device, (was_listed, until) in earliest.items() if was_listed and until is None}
    taken_out = {
        device: until if was_listed else None
        for device, (was_listed, until) in earliest.items()
        if device not in before
    }
    return RosterBefore((members - taken_out.keys()) | before, before - members, taken_out)


def take_back(db: sqlite3.Connection, room: int, seq: int, room_id: bytes, before: RosterBefore) -> None:
    """Restore the roster and the inboxes from before the commit ``seq``."""
    for device, until_seq in before.taken_out.items():
        if until_seq is None:
            db.execute("DELETE FROM roster WHERE room = ? AND device = ?", (room, device))
        else:
            db.execute(
                "UPDATE roster SET until_seq = ? WHERE room = ? AND device = ?", (until_seq, room, device)
            )
        db.execute("DELETE FROM inbox WHERE device = ? AND room_id = ? AND seq >= ?", (device, room_id, seq))
    db.executemany(
        "UPDATE roster SET until_seq = NULL WHERE room = ? AND device = ?",
        [(room, device) for device in before.put_in],
    )
    db.execute("DELETE FROM contestable WHERE room = ? AND seq >= ?", (room, seq))
    db.execute("DELETE FROM roster_before WHERE room = ? AND seq >= ?", (room, seq))


def mark_superseded(db: sqlite3.Connection, room: int, seq: int, superseded_by: int) -> None:
    """Note that the commits from ``seq`` on stand no longer; their entries stay in the log."""
    db.execute(
        "UPDATE commits SET superseded_by = ? WHERE room = ? AND seq >= ? AND superseded_by IS NULL",
        (superseded_by, room, seq),
    )


def note_leaving(db: sqlite3.Connection, room: int, device: int, seq: int) -> None:
    """A device left at ``seq``: whatever is taken back, it stays out, and is not one of before."""
    db.execute(
        "UPDATE roster_before SET was_listed = 1, until_seq = ? WHERE room = ? AND device = ?",
        (seq, room, device),
    )
