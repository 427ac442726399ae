import copy
import pickle

import pytest

from sottovoce.crypto.secret import Secret


def test_only_reveal_shows_the_bytes() -> None:
    secret = Secret(b"hidden words")
    assert secret.reveal() == b"hidden words"
    assert len(secret) == 12
    assert repr(secret) == str(secret) == f"{secret}" == "Secret(<12 bytes>)"


def test_equality_is_by_content_and_type() -> None:
    assert Secret(b"a") == Secret(b"a")
    assert Secret(b"a") != Secret(b"b")
    assert Secret(b"a") != b"a"


@pytest.mark.parametrize("leak", [hash, iter, pickle.dumps, copy.copy, vars])
def test_every_other_way_out_is_closed(leak: object) -> None:
    assert callable(leak)
    with pytest.raises(TypeError):
        leak(Secret(b"a"))
