import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.crypto.errors import InvalidArgument
from sottovoce.crypto.xor import xor


@given(st.binary(max_size=200))
def test_it_undoes_itself(left: bytes) -> None:
    right = left[::-1]
    assert xor(xor(left, right), right) == left
    assert xor(left, left) == bytes(len(left))
    assert xor(left, right) == bytes(a ^ b for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize(("left", "right"), [(b"", b"a"), (b"ab", b"a")])
def test_lengths_must_agree(left: bytes, right: bytes) -> None:
    with pytest.raises(InvalidArgument):
        xor(left, right)
