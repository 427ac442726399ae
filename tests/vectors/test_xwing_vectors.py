"""draft-connolly-cfrg-xwing-kem: the KEM of the hybrid suite (0x647a), each vector."""

import json
import os
from pathlib import Path

import pytest

from sottovoce.crypto.hybrid_kem import MLKEM768_X25519

SHARED = Path(os.environ.get("SOTTOVOCE_SHARED", Path(__file__).parents[3] / "shared"))
FILE = SHARED / "xwing-vectors" / "xwing.json"
if not FILE.exists():
    pytest.skip(f"the official vectors are not here: {FILE}", allow_module_level=True)


@pytest.mark.parametrize("vector", json.loads(FILE.read_text()))
def test_public_key_and_decapsulation(vector: dict[str, str]) -> None:
    private_key, kem_output = bytes.fromhex(vector["sk"]), bytes.fromhex(vector["ct"])
    assert MLKEM768_X25519.public_key(private_key).hex() == vector["pk"]
    assert MLKEM768_X25519.decapsulate(private_key, kem_output).hex() == vector["ss"]
