"""Messages show no bytes."""

from __future__ import annotations

from sottovoce.link import messages as m

TOKEN = b"sixteen secret b"
KEY = b"thirty-two secret bytes of a key"


def test_no_repr_shows_a_token_or_a_key() -> None:
    device = m.Device("alice", TOKEN)
    summary = m.RoomSummary(TOKEN, False, None, 0, "lobby", KEY)
    for message in (
        m.RegisterStart(1, "alice", TOKEN, KEY),
        m.CreateTokenReply(1, TOKEN, 5),
        m.RoomListReply(1, [summary]),
        m.Commit(1, TOKEN, TOKEN, 0, KEY, KEY, [device], [], [m.WelcomeFor(device, KEY)]),
    ):
        assert "b'" not in repr(message)
    assert repr(m.RegisterStart(1, "alice", TOKEN, KEY)) == (
        "RegisterStart(id=1, user='alice', token=<16 bytes>, registration_request=<32 bytes>)"
    )
