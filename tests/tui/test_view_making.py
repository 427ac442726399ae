"""What the widgets are given about trust."""

from __future__ import annotations

from typing import cast

from sottovoce.client.events import RoomMember
from sottovoce.client.room import Room
from sottovoce.tui.view_making import members_of, security_of


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


def test_who_has_another_key_than_the_verified_one_is_not_verified() -> None:
    for has_changed_key in (False, True):
        room = cast("Room", RoomOfTwo(has_changed_key=has_changed_key))
        members = members_of(room, "alice")
        assert (members[1].verified, members[1].key_changed) == (not has_changed_key, has_changed_key)
        assert security_of(room, members).all_verified is not has_changed_key
