"""draft-connolly-cfrg-xwing-kem: the KEM of the hybrid suite (0x647a), each vector."""

import pytest
from official_vectors import read_vectors

from sottovoce.crypto.hybrid_kem import MLKEM768_X25519

VECTORS = read_vectors("xwing-vectors", "xwing.json")


@pytest.mark.parametrize("vector", VECTORS)
def test_public_key_and_decapsulation(vector: dict[str, str]) -> None:
    private_key, kem_output = bytes.fromhex(vector["sk"]), bytes.fromhex(vector["ct"])
    assert MLKEM768_X25519.public_key(private_key).hex() == vector["pk"]
    assert MLKEM768_X25519.decapsulate(private_key, kem_output).hex() == vector["ss"]
