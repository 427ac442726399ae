"""RFC 9497 appendix A.1.1: every vector of mode OPRF for ristretto255-SHA512, byte for byte."""

from collections.abc import Iterator
from typing import Any

import pytest
from official_vectors import read_vectors

from sottovoce.crypto.ristretto import deserialize_element
from sottovoce.opaque import oprf

VECTORS = read_vectors("opaque-vectors", "oprf.json")


def vectors() -> Iterator[Any]:
    for suite in VECTORS:
        if suite["identifier"] == "ristretto255-SHA512" and int(suite["mode"]) == 0:
            for number, vector in enumerate(suite["vectors"], 1):
                yield pytest.param(suite, vector, id=f"vector-{number}")


@pytest.mark.parametrize(("suite", "vector"), list(vectors()))
def test_oprf_vector(suite: dict[str, str], vector: dict[str, Any]) -> None:
    key_pair = oprf.derive_key_pair(bytes.fromhex(suite["seed"]), bytes.fromhex(suite["keyInfo"]))
    assert key_pair.private == bytes.fromhex(suite["skSm"])

    private_input = bytes.fromhex(vector["Input"])
    blind = bytes.fromhex(vector["Blind"])
    blinded = oprf.blind(private_input, lambda length: blind.ljust(length, b"\0"))
    assert blinded.element == bytes.fromhex(vector["BlindedElement"])

    evaluated = oprf.blind_evaluate(key_pair.private, blinded.element)
    assert evaluated == bytes.fromhex(vector["EvaluationElement"])

    output = oprf.finalize(private_input, blinded.blind, deserialize_element(evaluated))
    assert output == bytes.fromhex(vector["Output"])
