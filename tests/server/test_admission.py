"""Who may connect."""

from __future__ import annotations

from sottovoce.server.admission import Admission, address_group


def admission(**settings):
    return Admission(**{"allow": (), "deny": (), "connections": 100, "connections_per_address": 2} | settings)


def test_an_address_is_one_and_so_is_a_slash_64():
    assert address_group("192.0.2.1") == "192.0.2.1"
    assert (
        address_group("2001:db8::1") == address_group("2001:db8::ffff:1") != address_group("2001:db8:0:1::1")
    )
    assert address_group("::ffff:192.0.2.1") == "192.0.2.1"
    assert address_group("fe80::1%eth0") == "fe80::/64"


def test_so_many_of_one_address_and_leaving_makes_room():
    door = admission()
    assert [door.admit("192.0.2.1") for _ in range(3)] == ["192.0.2.1", "192.0.2.1", None]
    assert door.admit("192.0.2.2") == "192.0.2.2"
    door.leave("192.0.2.1")
    assert door.admit("192.0.2.1") == "192.0.2.1"


def test_so_many_in_all():
    door = admission(connections=3)
    assert [door.admit(f"192.0.2.{n}") is not None for n in range(5)] == [True] * 3 + [False] * 2


def test_networks():
    door = admission(allow=["192.0.2.0/24", "2001:db8::/32"], deny=["192.0.2.128/25"])
    answers = {
        host: door.admit(host) is not None
        for host in ("192.0.2.1", "192.0.2.129", "198.51.100.1", "2001:db8::1", "::ffff:192.0.2.200")
    }
    assert list(answers.values()) == [True, False, False, True, False]


def test_nothing_is_remembered_of_who_has_left():
    door = admission()
    door.leave(door.admit("192.0.2.1"))
    assert not door._by_address


def test_who_is_connected_already_is_known_and_is_judged_anew_once_gone():
    door = admission(deny=["192.0.2.128/25"])
    assert door.admit("192.0.2.1") == door.admit("::ffff:192.0.2.1") == "192.0.2.1"
    assert door.admit("192.0.2.1") is None, "however it came, it is one address"
    assert door.admit("192.0.2.129") is None
    assert door.admit("192.0.2.129") is None
    assert door.admit("2001:db8::1") == door.admit("2001:db8::2") == "2001:db8::/64"
    assert door.admit("2001:db8::3") is None
    for _ in range(2):
        door.leave("192.0.2.1")
    assert [door.admit("192.0.2.1") for _ in range(3)] == ["192.0.2.1", "192.0.2.1", None]
