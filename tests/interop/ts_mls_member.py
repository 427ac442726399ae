"""A member of ts-mls, on the other end of a pipe."""

from __future__ import annotations

from dataclasses import asdict
from itertools import count
from typing import Any

from member import Extensions, Look, Member, Proposed, Received, Sent
from node_process import NodeProcess

_numbers = count()


def _json(value: Any) -> Any:  # whatever a request holds
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple | list):
        return [_json(one) for one in value]
    return value


def described(proposed: Proposed) -> dict[str, Any]:
    """Return a proposal as JSON."""
    return {key: _json(value) for key, value in asdict(proposed).items()}


class TsMlsMember(Member):
    """Says every word of :class:`Member` as a request."""

    def __init__(self, process: NodeProcess, name: str, suite: int) -> None:
        super().__init__(name, "theirs", suite)
        self._process = process
        self._handle = f"{name}/{next(_numbers)}"
        self._ask("meet", identity=name.encode(), suite=suite)

    def _ask(self, operation: str, **asked: Any) -> dict[str, Any]:  # JSON both ways
        encoded = {key: _json(value) for key, value in asked.items() if value is not None}
        return self._process.ask({"member": self._handle, "do": operation, **encoded})

    def forget(self) -> None:
        """Let the process forget this member."""
        self._ask("forget")

    def know_psk(self, psk_id: bytes, psk: bytes) -> None:
        self._ask("know_psk", psk_id=psk_id, psk=psk)

    def key_package(self, suite: int | None = None) -> bytes:
        return bytes.fromhex(self._ask("key_package", suite=suite)["key_package"])

    def create(self, group_id: bytes, extensions: Extensions = ()) -> None:
        self._ask("create", group_id=group_id, extensions=extensions)

    def join(self, welcome: bytes, ratchet_tree: bytes | None = None) -> None:
        self._ask("join", welcome=welcome, ratchet_tree=ratchet_tree)

    def join_externally(
        self,
        group_info: bytes,
        ratchet_tree: bytes | None = None,
        *,
        resync: bool = False,
        psk_ids: tuple[bytes, ...] = (),
    ) -> bytes:
        assert not psk_ids
        answer = self._ask("join_externally", group_info=group_info, ratchet_tree=ratchet_tree, resync=resync)
        return bytes.fromhex(answer["commit"])

    def propose_own_addition(self, group_info: bytes) -> bytes:
        return bytes.fromhex(self._ask("propose_own_addition", group_info=group_info)["message"])

    def commit(self, *proposals: Proposed, tree_in_welcome: bool = True) -> Sent:
        return self._sent(
            self._ask(
                "commit",
                proposals=[described(one) for one in proposals],
                by_public_message=self.by_public_message,
                tree_in_welcome=tree_in_welcome,
                authenticated_data=b"",
            )
        )

    def _sent(self, answer: dict[str, Any]) -> Sent:  # JSON
        welcome = answer.get("welcome")
        return Sent(
            bytes.fromhex(answer["commit"]),
            None if welcome is None else bytes.fromhex(welcome),
            bytes.fromhex(answer["ratchet_tree"]),
        )

    def propose(self, proposed: Proposed) -> bytes:
        asked = described(proposed)
        return bytes.fromhex(
            self._ask("propose", by_public_message=self.by_public_message, **asked)["message"]
        )

    def encrypt(self, content: bytes, authenticated_data: bytes = b"") -> bytes:
        answer = self._ask("encrypt", content=content, authenticated_data=authenticated_data)
        return bytes.fromhex(answer["message"])

    def process(self, message: bytes) -> Received:
        answer = self._ask("process", message=message)
        content, data = answer.get("content", ""), answer.get("authenticated_data", "")
        return Received(answer["kind"], bytes.fromhex(content), bytes.fromhex(data))

    def look(self) -> Look:
        answer = self._ask("look")
        hashes = ("group_id", "confirmed_transcript_hash", "epoch_authenticator")
        return Look(**(answer | {name: bytes.fromhex(answer[name]) for name in hashes}))

    def export(self, label: str, context: bytes, length: int) -> bytes:
        return bytes.fromhex(self._ask("export", label=label, context=context, length=length)["exported"])

    def group_info(self, *, with_tree: bool = True) -> bytes:
        return bytes.fromhex(self._ask("group_info", with_tree=with_tree)["group_info"])

    def ratchet_tree(self) -> bytes:
        return bytes.fromhex(self._ask("ratchet_tree")["ratchet_tree"])

    def begin_successor(self, *key_packages: bytes) -> Sent:
        return self._sent(self._ask("begin_successor", key_packages=key_packages))

    def join_successor(self, welcome: bytes, ratchet_tree: bytes | None = None) -> None:
        self._ask("join_successor", welcome=welcome, ratchet_tree=ratchet_tree)

    def branch(self, group_id: bytes, *key_packages: bytes) -> Sent:
        return self._sent(self._ask("branch", key_packages=key_packages, group_id=group_id))

    def join_branch(self, welcome: bytes, ratchet_tree: bytes | None = None) -> None:
        self._ask("join_branch", welcome=welcome, ratchet_tree=ratchet_tree)
