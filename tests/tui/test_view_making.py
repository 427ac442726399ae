"""What the widgets are given about trust."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from sottovoce.client.events import AccountTrouble, MemberJoined, RoomMember, StoredItem
from sottovoce.client.room import Room
from sottovoce.tui.safe_text import safe
from sottovoce.tui.view import Explanation
from sottovoce.tui.view_making import (
    look_alike_notes,
    members_of,
    note_of,
    security_of,
    seen_mark,
    unseen_count,
)


class RoomOfTwo:
    """A room with Bob, whom Alice has verified."""

    epoch = 1
    epoch_authenticator = bytes(32)
    suite_name = "MLS"

    def __init__(self, *, has_changed_key: bool) -> None:
        self._has_changed_key = has_changed_key

    def members(self) -> list[RoomMember]:
        return [
            RoomMember("alice", 1, verified=True, account_key=bytes(32)),
            RoomMember("bob", 1, verified=True, account_key=bytes(32)),
        ]

    def has_changed_key(self, user: str) -> bool:
        return self._has_changed_key and user == "bob"


class RoomOfLookAlikes(RoomOfTwo):
    """A room in which somebody wants to be taken for Bob."""

    name = "lobby"

    def members(self) -> list[RoomMember]:
        return [*super().members(), RoomMember("b0b", 1, verified=False, account_key=bytes(32))]


def test_names_that_could_be_taken_for_one_another_are_told() -> None:
    room = cast("Room", RoomOfLookAlikes(has_changed_key=False))
    assert [member.looks_like for member in members_of(room, "alice")] == ["", "b0b", "bob"]
    joined = [MemberJoined(seq=1, at=datetime.now(UTC), user=user) for user in ("alice", "b0b")]
    (note,) = look_alike_notes([StoredItem(at, item) for at, item in enumerate(joined)], room)
    assert note.text == "Careful in lobby: b0b and bob are two people with similar names."


def test_who_has_another_key_than_the_verified_one_is_not_verified() -> None:
    for has_changed_key in (False, True):
        room = cast("Room", RoomOfTwo(has_changed_key=has_changed_key))
        members = members_of(room, "alice")
        assert (members[1].verified, members[1].key_changed) == (not has_changed_key, has_changed_key)
        assert security_of(room, members).all_verified is not has_changed_key


def gone_wrong(text: str) -> Explanation:
    return Explanation(safe(text), safe("Ask the others."))


def test_what_was_looked_at_stays_so_and_what_is_new_is_told() -> None:
    blocked, gap, replay = gone_wrong("blocked"), gone_wrong("gap"), gone_wrong("replay")
    assert unseen_count([blocked, gap], None) == 2
    seen = seen_mark([blocked, gap, gap])
    assert unseen_count([blocked, gap, gap], seen) == 0
    assert unseen_count([gap, gap], seen) == 0, "one that is settled makes no other unseen"
    assert unseen_count([blocked, replay, gap], seen) == 1, "the list is full, and the oldest fell out"
    assert unseen_count([blocked, gap, gap, gap], seen) == 1, "it happened once more"


def test_trouble_of_the_account_is_told_harmlessly() -> None:
    note = note_of(AccountTrouble("The vault is full.\x1b[2J Leave rooms."))
    assert note is not None
    assert note.text.startswith("The vault is full.")
    assert "\x1b" not in note.text
