"""A random walk: a group of both makes that hundreds of things happen to, in an order drawn from a seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import pytest
from member import EXTENSION_TYPE, Member, Proposed, Sent
from node_process import NodeProcess, PeerRefused

GROUP_ID = b"a walk"
PSK_IDS = (b"first", b"second", b"third")
MAX_LATE_EPOCHS = 2
"""How many epochs a message may be late; our members keep the keys of three, those of ts-mls of four."""

WEIGHTS = {
    "speak": 50,
    "commit": 22,
    "add": 14,
    "remove": 14,
    "psk": 8,
    "resumption psk": 6,
    "external join": 8,
    "resync": 6,
    "extensions": 4,
    "propose add": 10,
    "propose remove": 8,
    "propose update": 20,
    "propose psk": 8,
    "propose resumption psk": 6,
    "propose extensions": 4,
    "commit what was proposed": 12,
}
OPERATIONS = sum(WEIGHTS.values())


@dataclass
class InFlight:
    """A message that was sent, and who has not read it yet."""

    message: bytes
    content: bytes
    epoch: int
    readers: list[Member]


@dataclass
class Pending:
    """A proposal of this epoch, and the member it is about."""

    proposed: Proposed
    about: Member | None = None


@dataclass
class Walk:
    """Everyone there is, who of them is in the group, and what is under way."""

    random: Random
    people: list[Member]
    process: NodeProcess
    inside: list[Member] = field(default_factory=list)
    since: dict[str, int] = field(default_factory=dict)
    pending: list[Pending] = field(default_factory=list)
    flying: list[InFlight] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    epoch: int = 0

    def run(self) -> None:
        """Do everything in the deck, each thing as soon as it is possible."""
        self._begin()
        deck = [name for name, weight in WEIGHTS.items() for _ in range(weight)]
        self.random.shuffle(deck)
        while deck:
            name = next((name for name in deck if self._operations[name]()), None)
            if name is None:
                # What is left waits for another epoch, or for somebody outside.
                if self._outside() or not self._remove():
                    self._commit(self._committer())
                continue
            deck.remove(name)
            self.done[name] += 1
            self._deliver_some()
        if self.pending:
            self._commit(self._committer())
        for sender in self.inside:
            self._send(sender)
        self._deliver_all()

    def _begin(self) -> None:
        for one in self.people:
            one.by_public_message = self.random.random() < 0.5
            for psk_id in PSK_IDS:
                one.know_psk(psk_id, psk_id * 8)
        founder = self.random.choice(self.people)
        founder.create(GROUP_ID)
        self._came_in(founder)
        # Nobody joins externally at epoch 0, so there are more before anything else happens.
        self._commit(founder, adding=self.random.sample(self._outside(), 3))

    @property
    def _operations(self) -> dict[str, Callable[[], bool]]:
        """Each does its operation and says True, or changes nothing and says False: it is impossible now."""
        return {
            "speak": self._speak,
            "commit": lambda: self._commit(self._committer()),
            "add": self._add,
            "remove": self._remove,
            "psk": lambda: self._commit(self._committer(), self._psk()),
            "resumption psk": self._resumption_psk,
            "external join": self._external_join,
            "resync": self._resync,
            "extensions": self._extensions,
            "propose add": self._propose_add,
            "propose remove": self._propose_remove,
            "propose update": self._propose_update,
            "propose psk": lambda: self._propose(self.random.choice(self.inside), self._psk()),
            "propose resumption psk": self._propose_resumption_psk,
            "propose extensions": self._propose_extensions,
            "commit what was proposed": lambda: bool(self.pending) and self._commit(self._committer()),
        }

    # -- who and what ------------------------------------------------------------------------------

    def _came_in(self, one: Member) -> None:
        self.inside.append(one)
        self.since[one.name] = self.epoch

    def _has_pending(self, kind: str) -> bool:
        return any(one.proposed.kind == kind for one in self.pending)

    def _about(self, kind: str) -> list[Member]:
        return [one.about for one in self.pending if one.proposed.kind == kind and one.about is not None]

    def _outside(self) -> list[Member]:
        proposed = self._about("add")
        return [one for one in self.people if one not in self.inside and one not in proposed]

    def _untouched(self) -> list[Member]:
        """Members whose leaf no pending proposal is about: only one may be (RFC 9420 §12.2)."""
        touched = self._about("update") + self._about("remove")
        return [one for one in self.inside if one not in touched]

    def _removable(self) -> list[Member]:
        """Whom another may remove: of each side somebody stays, and so does the first leaf.

        With an empty left half ts-mls derives another commit secret (test_differences.py).
        """
        free = [one for one in self._untouched() if one.look().own_leaf != 0]
        return [one for one in free if sum(other.side == one.side for other in free) > 1]

    def _committer(self, *, other_than: Member | None = None) -> Member:
        able = [one for one in self.inside if one not in self._about("remove") and one is not other_than]
        if self._has_pending("extensions"):
            able = self._able_with_extensions(able)
        return self.random.choice(able)

    def _able_with_extensions(self, members: list[Member]) -> list[Member]:
        """ts-mls makes no commit of new extensions that others can take."""
        return [one for one in members if one.side == "ours"]

    def _psk(self) -> Proposed:
        return Proposed.psk(self.random.choice(PSK_IDS))

    def _last_epoch(self) -> Proposed:
        return Proposed.resumption_psk(GROUP_ID, self.epoch - 1)

    def _all_know_last_epoch(self) -> bool:
        everybody_was_here = all(self.since[one.name] < self.epoch for one in self.inside)
        return everybody_was_here and not self._has_pending("add")

    # -- committing --------------------------------------------------------------------------------

    def _commit(self, committer: Member, *proposals: Proposed, adding: list[Member] | None = None) -> bool:
        adding = adding or []
        welcomed = self._about("add") + adding
        adds = [Proposed.add(one.key_package()) for one in adding]
        tree_beside = self.random.random() < 0.5
        removed = self._removed_by(proposals)
        sent = committer.commit(*proposals, *adds, tree_in_welcome=not tree_beside)
        if welcomed:
            self._leave_in_the_dark(removed)
        self._process(sent.commit, committer)
        self._enter_epoch()
        self._welcome(committer, welcomed, sent, tree_beside=tree_beside)
        self._agree()
        return True

    def _removed_by(self, proposals: tuple[Proposed, ...]) -> list[Member]:
        leaves = [one.leaf for one in proposals if one.kind == "remove"]
        by_value = [one for one in self.inside if one.look().own_leaf in leaves]
        return by_value + self._about("remove")

    def _leave_in_the_dark(self, removed: list[Member]) -> None:
        """Tell no ts-mls member of its removal by a commit that adds: it may take that leaf for its own."""
        self.inside = [one for one in self.inside if one.side == "ours" or one not in removed]

    def _welcome(self, committer: Member, welcomed: list[Member], sent: Sent, *, tree_beside: bool) -> None:
        takes, leaves = self._examine(sent.ratchet_tree)
        tree = sent.ratchet_tree if tree_beside else None
        refused = []
        for one in welcomed:
            assert sent.welcome is not None
            if one.side == "theirs" and not takes:
                self._refuses(one, sent.welcome, tree)
                refused.append(Proposed.remove(leaves[one.name]))
                continue
            one.join(sent.welcome, tree)
            self._came_in(one)
        if refused:
            # Nobody sits there: the leaves go again, and who could not join is added another time.
            self.seen["joins that ts-mls refuses"] += len(refused)
            self._commit(committer, *refused)

    def _examine(self, tree: bytes) -> tuple[bool, dict[str, int]]:
        """Tell whether ts-mls joins with this tree, as RFC 9420 has anybody do, and where each member is."""
        answer = self.process.ask({"do": "examine tree", "ratchet_tree": tree.hex()})
        return answer["taken"], {bytes.fromhex(name).decode(): leaf for name, leaf in answer["leaves"]}

    def _refuses(self, joiner: Member, welcome: bytes, tree: bytes | None) -> None:
        with pytest.raises(PeerRefused, match="unmerged_leaves"):
            joiner.join(welcome, tree)

    def _process(self, message: bytes, sender: Member) -> None:
        for one in self.inside:
            if one is not sender:
                one.process(message)

    def _enter_epoch(self) -> None:
        self.epoch += 1
        self.seen["epochs"] += 1
        self.pending.clear()
        self.inside = [one for one in self.inside if one.is_active]
        for flying in self.flying:
            flying.readers = [one for one in flying.readers if one in self.inside]
        self.flying = [
            one for one in self.flying if self.epoch - one.epoch <= MAX_LATE_EPOCHS and one.readers
        ]

    def _agree(self) -> None:
        shared = {(one.look().shared, one.export("a walk", b"", 32)) for one in self.inside}
        assert len(shared) == 1, [(one, one.look()) for one in self.inside]
        self.seen["most members"] = max(self.seen["most members"], len(self.inside))

    def _add(self) -> bool:
        outside = self._outside()
        if not outside or self._has_pending("resumption_psk"):
            return False
        adding = self.random.sample(outside, min(len(outside), self.random.choice((1, 1, 2))))
        return self._commit(self._committer(), adding=adding)

    def _remove(self) -> bool:
        removable = self._removable()
        if not removable:
            return False
        removed = self.random.choice(removable)
        return self._commit(self._committer(other_than=removed), Proposed.remove(removed.look().own_leaf))

    def _resumption_psk(self) -> bool:
        return self._all_know_last_epoch() and self._commit(self._committer(), self._last_epoch())

    def _extensions(self) -> bool:
        able = self._able_with_extensions(self._untouched())
        if not able or self._has_pending("extensions"):
            return False
        return self._commit(self.random.choice(able), self._new_extensions())

    def _new_extensions(self) -> Proposed:
        return Proposed.group_extensions((EXTENSION_TYPE, self.random.randbytes(8)))

    # -- joining externally --------------------------------------------------------------------------

    def _external_join(self) -> bool:
        outside = self._outside()
        return bool(outside) and self._join_externally(self.random.choice(outside), resync=False)

    def _resync(self) -> bool:
        return self._join_externally(self.random.choice(self.inside), resync=True)

    def _join_externally(self, joiner: Member, *, resync: bool) -> bool:
        host = self.random.choice([one for one in self.inside if one is not joiner])
        if joiner.side == "theirs" and not self._examine(host.ratchet_tree())[0]:
            return False
        tree_beside = self.random.random() < 0.5
        # ts-mls injects no pre-shared key by an external commit.
        psk_ids = (b"first",) if joiner.side == "ours" and self.random.random() < 0.5 else ()
        commit = joiner.join_externally(
            host.group_info(with_tree=not tree_beside),
            host.ratchet_tree() if tree_beside else None,
            resync=resync,
            psk_ids=psk_ids,
        )
        self.inside = [one for one in self.inside if one is not joiner]
        self._process(commit, joiner)
        self._enter_epoch()
        self._came_in(joiner)
        self._agree()
        return True

    # -- proposing ---------------------------------------------------------------------------------

    def _propose(self, proposer: Member, proposed: Proposed, about: Member | None = None) -> bool:
        self._process(proposer.propose(proposed), proposer)
        self.pending.append(Pending(proposed, about))
        return True

    def _propose_add(self) -> bool:
        outside = self._outside()
        if not outside or self._has_pending("resumption_psk"):
            return False
        added = self.random.choice(outside)
        return self._propose(self.random.choice(self.inside), Proposed.add(added.key_package()), added)

    def _propose_remove(self) -> bool:
        removable = self._removable()
        if not removable:
            return False
        removed = self.random.choice(removable)
        # Now and then somebody proposes to be removed.
        return self._propose(
            self.random.choice(self.inside), Proposed.remove(removed.look().own_leaf), removed
        )

    def _propose_update(self) -> bool:
        free = self._untouched()
        if len(free) < 2:
            return False
        proposer = self.random.choice(free)
        return self._propose(proposer, Proposed.update(), proposer)

    def _propose_resumption_psk(self) -> bool:
        return self._all_know_last_epoch() and self._propose(
            self.random.choice(self.inside), self._last_epoch()
        )

    def _propose_extensions(self) -> bool:
        able = self._able_with_extensions(self._untouched())
        if not able or self._has_pending("extensions"):
            return False
        return self._propose(self.random.choice(self.inside), self._new_extensions())

    # -- speaking ----------------------------------------------------------------------------------

    def _speak(self) -> bool:
        # RFC 9420 §12.4: whoever has seen a proposal "MUST send a Commit message before sending application
        # data".
        if self.pending:
            return False
        sender = self.random.choice(self.inside)
        for _ in range(self.random.choice((1, 2, 4))):
            self._send(sender)
        return True

    def _send(self, sender: Member) -> None:
        content = self.random.randbytes(self.random.choice((0, 1, 300, 2000)))
        readers = [one for one in self.inside if one is not sender]
        self.flying.append(InFlight(sender.encrypt(content), content, self.epoch, readers))
        self.seen["messages sent"] += 1

    def _deliver_some(self) -> None:
        """Hand a part of what flies to some of its readers, in any order; the rest flies on."""
        deliveries = [(one, reader) for one in self.flying for reader in one.readers]
        self.random.shuffle(deliveries)
        for one, reader in deliveries[: self.random.randint(0, len(deliveries))]:
            self._read(one, reader)

    def _deliver_all(self) -> None:
        for one in self.random.sample(self.flying, len(self.flying)):
            for reader in tuple(one.readers):
                self._read(one, reader)

    def _read(self, one: InFlight, reader: Member) -> None:
        assert reader.process(one.message).content == one.content
        one.readers.remove(reader)
        self.seen["messages read"] += 1
        self.seen["messages read an epoch late or more"] += one.epoch < self.epoch
