"""Whatever is encoded in any of the files decodes to something that encodes to the same bytes again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from operator import attrgetter, methodcaller
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from official_vectors import PASSIVE_CLIENT, SHARED, Refusals
from spoiling import lengthened, truncations

from sottovoce.mls import DecodingError
from sottovoce.mls.framing import AuthenticatedContent, MLSMessage
from sottovoce.mls.group_info import GroupSecrets
from sottovoce.mls.presentation import Reader, decode, uint16
from sottovoce.mls.proposals import (
    PROPOSALS,
    Commit,
    ProposalType,
    UpdatePath,
    encode_proposal,
    read_proposal,
)
from sottovoce.mls.ratchet_tree import RatchetTree

Vector = dict[str, Any]


class Form(NamedTuple):
    """How something is encoded; ``length_at`` is where its first vector's length stands, if it has one."""

    read: Callable[[Reader], Any]
    encode: Callable[[Any], bytes]
    length_at: Callable[[bytes], int | None]


def _message_length_at(data: bytes) -> int:
    # Version and wire format; a Welcome's suite; the version and suite of a GroupInfo or KeyPackage.
    return {1: 4, 2: 4, 3: 6, 4: 8, 5: 8}[data[3]]


def _body(kind: ProposalType) -> Form:
    at = {ProposalType.ADD: 4, ProposalType.REMOVE: None}
    return Form(
        PROPOSALS[kind].read_body,
        methodcaller("encode_body"),
        # A pre-shared key's type comes first, and a resumption PSK's usage after it.
        lambda data: data[0] if kind is ProposalType.PSK else at.get(kind, 0),
    )


def _proposal_length_at(data: bytes) -> int | None:
    inner = _body(ProposalType(data[1])).length_at(data[2:])
    return None if inner is None else 2 + inner


ENCODED, ENCODE = attrgetter("encoded"), methodcaller("encode")
MESSAGE = Form(MLSMessage.read, ENCODE, _message_length_at)
TREE = Form(RatchetTree.read, ENCODE, lambda _: 0)
FORMS = {
    "ratchet_tree": TREE,
    "tree": TREE,
    "tree_before": TREE,
    "tree_after": TREE,
    "group_secrets": Form(GroupSecrets.read, ENCODE, lambda _: 0),
    "commit": Form(Commit.read, ENCODED, lambda _: 0),
    "update_path": Form(UpdatePath.read, ENCODED, lambda _: 0),
    "authenticated_content": Form(AuthenticatedContent.read, ENCODE, lambda _: 2),
    "proposal": Form(read_proposal, encode_proposal, _proposal_length_at),
    "add_proposal": _body(ProposalType.ADD),
    "update_proposal": _body(ProposalType.UPDATE),
    "remove_proposal": _body(ProposalType.REMOVE),
    "pre_shared_key_proposal": _body(ProposalType.PSK),
    "re_init_proposal": _body(ProposalType.REINIT),
    "external_init_proposal": _body(ProposalType.EXTERNAL_INIT),
    "group_context_extensions_proposal": _body(ProposalType.GROUP_CONTEXT_EXTENSIONS),
}
MESSAGES = re.compile(
    "mls_.*|public_message_.*|private_message|(proposal|commit|application)_(pub|priv)|welcome|key_package"
)
"""Names of fields that hold an MLSMessage."""


def encoded(vector: Vector, *, in_epoch: bool = False) -> Iterator[tuple[Form, bytes]]:
    """Yield everything encoded in a vector, with its form."""
    for name, value in vector.items():
        if name in ("epochs", "update_paths"):
            for one in value:
                yield from encoded(one, in_epoch=name == "epochs")
        elif in_epoch and name in ("commit", "proposals"):
            for text in [value] if name == "commit" else value:
                yield MESSAGE, bytes.fromhex(text)
        elif isinstance(value, str) and (name in FORMS or MESSAGES.fullmatch(name)):
            yield FORMS.get(name, MESSAGE), bytes.fromhex(value)


def check_same_bytes(vector: Vector) -> None:
    pieces = list(encoded(vector))
    assert pieces
    for form, data in pieces:
        assert form.encode(decode(form.read, data)) == data


def check_refused(vector: Vector, refusals: Refusals) -> None:
    for form, data in encoded(vector):
        at = form.length_at(data)
        spoilt = [data + b"\0", *truncations(data)]
        if at is not None:
            spoilt += lengthened(data, at)
        if form is MESSAGE:
            # Another protocol version, and wire formats that do not exist.
            spoilt += [uint16(2) + data[2:], *(data[:2] + uint16(number) + data[4:] for number in (0, 6))]
        for one in spoilt:
            refusals.expect(DecodingError, lambda form=form, one=one: decode(form.read, one))


@pytest.mark.mls_vectors("messages")
def test_messages(vector: Vector) -> None:
    check_same_bytes(vector)


@pytest.mark.mls_vectors("messages")
def test_messages_refused(vector: Vector, refusals: Refusals) -> None:
    check_refused(vector, refusals)


@pytest.mark.mls_vectors("message-protection")
def test_message_protection(vector: Vector) -> None:
    check_same_bytes(vector)


@pytest.mark.mls_vectors("message-protection")
def test_message_protection_refused(vector: Vector, refusals: Refusals) -> None:
    check_refused(vector, refusals)


@pytest.mark.mls_vectors("transcript-hashes")
def test_transcript_hashes(vector: Vector) -> None:
    check_same_bytes(vector)


@pytest.mark.mls_vectors("transcript-hashes")
def test_transcript_hashes_refused(vector: Vector, refusals: Refusals) -> None:
    check_refused(vector, refusals)


@pytest.mark.mls_vectors("tree-operations")
def test_tree_operations(vector: Vector) -> None:
    check_same_bytes(vector)


@pytest.mark.mls_vectors("tree-operations")
def test_tree_operations_refused(vector: Vector, refusals: Refusals) -> None:
    check_refused(vector, refusals)


@pytest.mark.mls_vectors("tree-validation")
def test_tree_validation(vector: Vector) -> None:
    check_same_bytes(vector)


@pytest.mark.mls_vectors("tree-validation")
def test_tree_validation_refused(vector: Vector, refusals: Refusals) -> None:
    check_refused(vector, refusals)


@pytest.mark.mls_vectors("treekem")
def test_treekem(vector: Vector) -> None:
    check_same_bytes(vector)


@pytest.mark.mls_vectors("treekem")
def test_treekem_refused(vector: Vector, refusals: Refusals) -> None:
    check_refused(vector, refusals)


@pytest.mark.mls_vectors("welcome")
def test_welcome(vector: Vector) -> None:
    check_same_bytes(vector)


@pytest.mark.mls_vectors("welcome")
def test_welcome_refused(vector: Vector, refusals: Refusals) -> None:
    check_refused(vector, refusals)


@pytest.mark.mls_vectors(PASSIVE_CLIENT)
def test_passive_client(vector: Vector) -> None:
    check_same_bytes(vector)


@pytest.mark.mls_vectors(PASSIVE_CLIENT)
def test_passive_client_refused(vector: Vector, refusals: Refusals) -> None:
    check_refused(vector, refusals)


def test_no_file_is_passed_over() -> None:
    """Each of the files beside the checkout is named by a test."""
    here = Path(__file__).parent
    source = "".join(path.read_text() for path in here.glob("test_mls_*.py"))
    named = set(re.findall(r'mls_vectors\("([a-z_-]+)"\)', source))
    files = {path.stem for path in (SHARED / "mls-vectors").glob("*.json")}
    assert {name for name in files if not name.startswith("passive-client-")} <= named
