"""Members of one group who hand each other every message, and never disagree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from member import Extensions, Member, Proposed, Sent

GROUP_ID = b"a room of two makes"
EXPORTS = (("sottovoce interop", b"", 32), ("a label", b"a context of some length", 77))
"""What every member derives of each epoch: label, context, and length in bytes."""
ORDER = (1, 0)
"""In which order the first two messages of a sender arrive; the third comes an epoch late."""


@dataclass
class Late:
    """A message that is still on its way when its epoch ends."""

    sender: Member
    message: bytes
    content: bytes
    readers: tuple[Member, ...]


@dataclass
class Conversation:
    """Delivers, and after each commit compares and lets everybody speak."""

    members: list[Member] = field(default_factory=list)
    late: list[Late] = field(default_factory=list)
    wire_formats: set[int] = field(default_factory=set)
    """Those of the proposals and commits so far."""

    def begin(self, creator: Member, *others: Member, extensions: Extensions = ()) -> None:
        """Create a group and add the others with the first commit."""
        creator.create(GROUP_ID, extensions)
        self.members = [creator]
        self.commit(creator, joining=others)

    def commit(
        self,
        committer: Member,
        *proposals: Proposed,
        joining: Sequence[Member] = (),
        welcomed: Sequence[Member] = (),
        tree_beside: bool = False,
    ) -> None:
        """Commit and go on in the new epoch.

        There is an Add by value for each of ``joining``; one for each of ``welcomed`` was proposed before.
        """
        adds = [Proposed.add(one.key_package()) for one in joining]
        sent = committer.commit(*proposals, *adds, tree_in_welcome=not tree_beside)
        self.deliver(sent.commit, committer, "commit")
        self.welcome([*welcomed, *joining], sent, tree_beside=tree_beside)
        self.go_on()

    def welcome(self, joining: Sequence[Member], sent: Sent, *, tree_beside: bool = False) -> None:
        """Let the added members join."""
        for one in joining:
            assert sent.welcome is not None
            one.join(sent.welcome, sent.ratchet_tree if tree_beside else None)
            self.members.append(one)

    def end(self, committer: Member, *proposals: Proposed) -> None:
        """Commit a ReInit: everybody agrees on what is to come, and can say nothing more here."""
        self.deliver(committer.commit(*proposals).commit, committer, "commit")
        self.agree()
        assert committer.look().state == "suspendedPendingReinit"

    def follow(self, founder: Member, others: Sequence[Member], sent: Sent, *, branch: bool = False) -> None:
        """Go on in the successor, or a branch, of this group: ``others`` join what ``founder`` began."""
        assert sent.welcome is not None
        for one in others:
            join = one.join_branch if branch else one.join_successor
            join(sent.welcome, sent.ratchet_tree)
        self.members, self.late = [founder, *others], []
        self.go_on()

    def propose(self, proposer: Member, proposed: Proposed) -> None:
        """Let a member propose, and everybody else keep it."""
        self.deliver(proposer.propose(proposed), proposer, "proposal")

    def join_externally(
        self,
        joiner: Member,
        host: Member,
        *,
        resync: bool = False,
        tree_beside: bool = False,
        psk_ids: tuple[bytes, ...] = (),
    ) -> None:
        """Let somebody in by an external commit, or in again with ``resync``."""
        group_info = host.group_info(with_tree=not tree_beside)
        tree = host.ratchet_tree() if tree_beside else None
        commit = joiner.join_externally(group_info, tree, resync=resync, psk_ids=psk_ids)
        self.members = [one for one in self.members if one is not joiner]
        self.deliver(commit, joiner, "commit")
        self.late = [one for one in self.late if one.sender is not joiner]
        for late in self.late:
            late.readers = tuple(one for one in late.readers if one is not joiner)
        self.members.append(joiner)
        self.go_on()

    def deliver(self, message: bytes, sender: Member | None, kind: str) -> None:
        """Hand a message to everybody but its sender."""
        self.wire_formats.add(int.from_bytes(message[2:4]))
        for one in self.members:
            if one is not sender:
                assert one.process(message).kind == kind

    def go_on(self) -> None:
        """Begin the new epoch: who was removed is gone, the others agree, and everybody speaks."""
        self.members = [one for one in self.members if one.is_active]
        self.agree()
        self.read_late()
        self.chat()

    def agree(self) -> None:
        """Compare all that members of one epoch have in common."""
        first, *others = self.members
        expected = (first.look().shared, [first.export(*one) for one in EXPORTS])
        for one in others:
            assert (one.look().shared, [one.export(*each) for each in EXPORTS]) == expected, one

    def read_late(self) -> None:
        """Deliver what was sent in the epoch before."""
        for late in self.late:
            for reader in late.readers:
                if reader in self.members:
                    assert reader.process(late.message).content == late.content
        self.late = []

    def chat(self) -> None:
        """Let everybody say two things that are read out of order, and a third that comes an epoch late."""
        for sender in self.members:
            contents = [f"{sender.name} {at}".encode() * (at + 1) for at in range(3)]
            messages = [sender.encrypt(content, b"for all to see") for content in contents]
            readers = [one for one in self.members if one is not sender]
            for reader in readers:
                for at in ORDER:
                    received = reader.process(messages[at])
                    assert received.content == contents[at]
                    assert received.authenticated_data == b"for all to see"
            self.late.append(Late(sender, messages[2], contents[2], tuple(readers)))
