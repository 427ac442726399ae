import pytest

from sottovoce.opaque.encoding import prefixed
from sottovoce.opaque.errors import InvalidInput


@pytest.mark.parametrize(("length", "prefix"), [(0, "0000"), (1, "0001"), (256, "0100"), (65535, "ffff")])
def test_prefix_is_two_bytes(length: int, prefix: str) -> None:
    assert prefixed(bytes(length)) == bytes.fromhex(prefix) + bytes(length)


def test_what_two_bytes_cannot_count_is_refused() -> None:
    with pytest.raises(InvalidInput):
        prefixed(bytes(65536))
