import os

import pytest

from sottovoce.client import cbor
from sottovoce.client.errors import ContentError, SealBroken
from sottovoce.client.join_secret import JoinSecret, NewerSecret, from_room_key
from sottovoce.crypto.secret import Secret

ROOM = b"r" * 16
SECRET = JoinSecret(Secret(b"s" * 32), 3)


class TestSealing:
    @pytest.mark.parametrize("what", ["group_info", "external_commit"])
    def test_what_is_sealed_opens(self, what: str) -> None:
        sealed = getattr(SECRET, f"seal_{what}")(ROOM, 5, b"content", os.urandom)
        assert getattr(SECRET, f"open_{what}")(ROOM, 5, sealed) == b"content"
        assert b"content" not in sealed

    def test_nothing_opens_elsewhere(self) -> None:
        sealed = SECRET.seal_group_info(ROOM, 5, b"content", os.urandom)
        other = JoinSecret(Secret(b"t" * 32), 3)
        for attempt in (
            lambda: SECRET.open_group_info(b"x" * 16, 5, sealed),
            lambda: SECRET.open_group_info(ROOM, 6, sealed),
            lambda: other.open_group_info(ROOM, 5, sealed),
            lambda: SECRET.open_external_commit(ROOM, 5, sealed),
        ):
            with pytest.raises(SealBroken):
                attempt()

    def test_who_holds_an_older_secret_is_told_so(self) -> None:
        older, newer = JoinSecret(Secret(b"o" * 32), 2), JoinSecret(Secret(b"n" * 32), 4)
        sealed = SECRET.seal_group_info(ROOM, 5, b"content", os.urandom)
        with pytest.raises(NewerSecret):
            older.open_group_info(ROOM, 5, sealed)
        with pytest.raises(SealBroken) as caught:
            newer.open_group_info(ROOM, 5, sealed)
        assert not isinstance(caught.value, NewerSecret)

    def test_every_flipped_bit_and_every_cut_is_refused(self) -> None:
        sealed = SECRET.seal_group_info(ROOM, 5, b"hi", os.urandom)
        for bit in range(len(sealed) * 8):
            altered = bytearray(sealed)
            altered[bit // 8] ^= 1 << bit % 8
            with pytest.raises(SealBroken):
                SECRET.open_group_info(ROOM, 5, bytes(altered))
        for length in range(len(sealed)):
            with pytest.raises(SealBroken):
                SECRET.open_group_info(ROOM, 5, sealed[:length])

    def test_the_same_is_never_sealed_twice_alike(self) -> None:
        assert SECRET.seal_group_info(ROOM, 5, b"x", os.urandom) != SECRET.seal_group_info(
            ROOM, 5, b"x", os.urandom
        )


class TestPsk:
    def test_the_id_names_room_and_epoch(self) -> None:
        ids = {
            SECRET.psk_id(ROOM),
            SECRET.psk_id(b"x" * 16),
            JoinSecret(SECRET.secret, 4).psk_id(ROOM),
        }
        assert len(ids) == 3
        assert all(b"s" * 32 not in psk_id for psk_id in ids)

    def test_the_psk_is_not_the_secret_itself(self) -> None:
        assert len(SECRET.psk()) == 32
        assert SECRET.psk() != SECRET.secret

    def test_a_stolen_device_without_the_secret_has_another_psk(self) -> None:
        """Threat B14: the PSK of a rotated secret cannot be made from the one before."""
        assert JoinSecret(Secret(os.urandom(32)), 3).psk() != SECRET.psk()


class TestExtension:
    def test_round_trip(self) -> None:
        assert JoinSecret.from_extension(SECRET.to_extension()) == SECRET

    @pytest.mark.parametrize("fields", [[], [b"short", 1], [b"s" * 32, -1], [b"s" * 32, 1, 2], "text"])
    def test_a_malformed_one_is_refused(self, fields: object) -> None:
        with pytest.raises(ContentError):
            JoinSecret.from_extension(cbor.encode(fields))


class TestRoomKey:
    def test_both_sides_come_to_the_same_room(self) -> None:
        key = Secret(b"k" * 32)
        assert from_room_key(key, "garden") == from_room_key(key, "garden")
        assert len(from_room_key(key, "garden")[0]) == 16

    def test_another_name_or_key_is_another_room(self) -> None:
        key = Secret(b"k" * 32)
        assert from_room_key(key, "garden") != from_room_key(key, "cellar")
        assert from_room_key(key, "garden") != from_room_key(Secret(b"l" * 32), "garden")


def test_nothing_secret_in_the_repr() -> None:
    assert "ssss" not in repr(SECRET)
