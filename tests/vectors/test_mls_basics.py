"""Vectors of the codec, tree arithmetic and labelled functions (PROVENANCE: the MLS working group's)."""

from __future__ import annotations

from typing import Any

import pytest

from sottovoce.crypto.suites import cipher_suite
from sottovoce.mls import labels, tree_math
from sottovoce.mls.framing import MLSMessage
from sottovoce.mls.group_info import GroupSecrets
from sottovoce.mls.presentation import Reader, decode, variable_length
from sottovoce.mls.proposals import PROPOSALS, Commit, ProposalType
from sottovoce.mls.ratchet_tree import RatchetTree
from sottovoce.mls.tree_math import NodeIndex

Vector = dict[str, Any]
hexadecimal = bytes.fromhex


@pytest.mark.mls_vectors("deserialization")
def test_deserialization(vector: Vector) -> None:
    header = hexadecimal(vector["vlbytes_header"])
    assert Reader(header).variable_length() == vector["length"]
    assert variable_length(vector["length"]) == header


@pytest.mark.mls_vectors("tree-math")
def test_tree_math(vector: Vector) -> None:
    leaves, width = vector["n_leaves"], vector["n_nodes"]
    assert tree_math.node_width(leaves) == width
    top = tree_math.root(leaves)
    assert top == vector["root"]
    for at in map(NodeIndex, range(width)):
        inner = not tree_math.is_leaf(at)
        assert (tree_math.left(at) if inner else None) == vector["left"][at]
        assert (tree_math.right(at) if inner else None) == vector["right"][at]
        assert (tree_math.parent(at) if at != top else None) == vector["parent"][at]
        assert (tree_math.sibling(at) if at != top else None) == vector["sibling"][at]


@pytest.mark.mls_vectors("crypto-basics")
def test_crypto_basics(vector: Vector) -> None:
    suite = cipher_suite(vector["cipher_suite"])

    def of(name: str) -> dict[str, Any]:
        return {
            key: value.encode() if key == "label" else hexadecimal(value) if isinstance(value, str) else value
            for key, value in vector[name].items()
        }

    one = of("ref_hash")
    assert labels.ref_hash(suite, one["label"], one["value"]) == one["out"]
    one = of("expand_with_label")
    assert (
        labels.expand_with_label(suite, one["secret"], one["label"], one["context"], one["length"])
        == one["out"]
    )
    one = of("derive_secret")
    assert labels.derive_secret(suite, one["secret"], one["label"]) == one["out"]
    one = of("derive_tree_secret")
    assert (
        labels.derive_tree_secret(suite, one["secret"], one["label"], one["generation"], one["length"])
        == one["out"]
    )
    one = of("sign_with_label")
    assert labels.verify_with_label(suite, one["pub"], one["label"], one["content"], one["signature"])
    ours = labels.sign_with_label(suite, one["priv"], one["label"], one["content"])
    assert labels.verify_with_label(suite, one["pub"], one["label"], one["content"], ours)
    one = of("encrypt_with_label")
    arguments = suite, one["priv"], one["label"], one["context"]
    assert labels.decrypt_with_label(*arguments, (one["kem_output"], one["ciphertext"])) == one["plaintext"]
    sealed = labels.encrypt_with_label(suite, one["pub"], one["label"], one["context"], one["plaintext"])
    assert labels.decrypt_with_label(*arguments, sealed) == one["plaintext"]


_PROPOSAL_FIELDS = {
    "add_proposal": ProposalType.ADD,
    "update_proposal": ProposalType.UPDATE,
    "remove_proposal": ProposalType.REMOVE,
    "pre_shared_key_proposal": ProposalType.PSK,
    "re_init_proposal": ProposalType.REINIT,
    "external_init_proposal": ProposalType.EXTERNAL_INIT,
    "group_context_extensions_proposal": ProposalType.GROUP_CONTEXT_EXTENSIONS,
}


@pytest.mark.mls_vectors("messages")
def test_messages(vector: Vector) -> None:
    for name, text in vector.items():
        data = hexadecimal(text)
        if name in _PROPOSAL_FIELDS:
            assert decode(PROPOSALS[_PROPOSAL_FIELDS[name]].read_body, data).encode_body() == data, name
        elif name == "ratchet_tree":
            assert RatchetTree.decode(data).encode() == data
        elif name == "group_secrets":
            assert decode(GroupSecrets.read, data).encode() == data
        elif name == "commit":
            assert decode(Commit.read, data).encoded == data
        else:
            assert MLSMessage.decode(data).encode() == data, name
