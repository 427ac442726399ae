import pytest

from sottovoce.client.errors import ContentError
from sottovoce.client.log_payload import MemberCommit, SealedExternalCommit, decode_commit, encode_commit


@pytest.mark.parametrize(
    ("commit", "payload"),
    [(MemberCommit(b"mls"), b"\x01mls"), (SealedExternalCommit(b"sealed"), b"\x02sealed")],
)
def test_round_trip(commit: MemberCommit | SealedExternalCommit, payload: bytes) -> None:
    assert encode_commit(commit) == payload
    assert decode_commit(payload) == commit


@pytest.mark.parametrize("payload", [b"", b"\x00", b"\x03x", b"\xff"])
def test_another_type_is_refused(payload: bytes) -> None:
    with pytest.raises(ContentError):
        decode_commit(payload)
