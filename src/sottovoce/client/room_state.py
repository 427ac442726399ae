"""One room as this device holds it in memory, and the changes that one transaction stores.

:class:`RoomState` is changed by reading the log, by encrypting and by joining; each of them collects what it
did in a :class:`Changes` and stores it whole. When storing fails, the state is loaded anew.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from sottovoce.client.chain import LogChain, SenderHistory
from sottovoce.client.credentials import Contacts, DeviceAuthentication, OwnCredential, certificate_of
from sottovoce.client.events import AnyTimelineItem, Explanation
from sottovoce.client.join_secret import JoinSecret
from sottovoce.client.policy import (
    POLICY_EXTENSION,
    Occupant,
    ProposedCommit,
    Removal,
    RoomPolicy,
    check_commit,
    check_proposal,
)
from sottovoce.client.tables import account as account_table
from sottovoce.client.tables import lives as lives_table
from sottovoce.client.tables import log as log_table
from sottovoce.client.tables import outbox as outbox_table
from sottovoce.client.tables import rooms as rooms_table
from sottovoce.client.tables.account import ContactRecord
from sottovoce.client.tables.database import Database
from sottovoce.client.tables.lives import LifeRecord
from sottovoce.client.tables.rooms import CommitInFlight, RoomRecord, StoredIntent
from sottovoce.crypto.secret import Secret
from sottovoce.mls import Extension, Group, GroupConfig, Member, StagedCommit, StagedProposal
from sottovoce.mls.proposals import Remove

KEPT_LINKS: Final = 10_000
"""How many of the chain's newest links are held in memory to compare others' word with."""

KEPT_ALARMS: Final = 50


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every room of a client shares: who we are, whom we know, where trace lines go."""

    own: OwnCredential
    contacts: Contacts
    server_pin: bytes
    random: Callable[[int], bytes]
    trace: Callable[[str], None] | None = None

    def user_uri(self, account_name: str) -> str:
        """The MIMI URI of an account at this server (draft-ietf-mimi-content §3.3 hashes it)."""
        return f"mimi://{self.server_pin.hex()}/u/{account_name}"

    def room_uri(self, room_id: bytes) -> str:
        """The MIMI URI of a room at this server."""
        return f"mimi://{self.server_pin.hex()}/r/{room_id.hex()}"


@dataclass
class Changes:
    """Everything one step did to a room, to be stored in one transaction (threats.md B20)."""

    record: RoomRecord
    group: dict[bytes, bytes | None] = field(default_factory=dict)
    in_flight: list[CommitInFlight] = field(default_factory=list)
    forgets_in_flight: bool = False
    replaces_group: bool = False  # the records before are of another leaf: all of them go
    forgets_group: bool = False
    forgets_plans: bool = False  # what was to be sent or committed: whoever left and comes again begins anew
    forgets_senders: bool = False
    items: list[tuple[AnyTimelineItem, bytes | None]] = field(default_factory=list)
    lives: list[tuple[int, bytes, LifeRecord]] = field(default_factory=list)  # by seq and message id
    links: list[tuple[int, bytes]] = field(default_factory=list)
    senders: dict[tuple[str, bytes], SenderHistory] = field(default_factory=dict)
    contacts: list[ContactRecord] = field(default_factory=list)
    alarms: list[Explanation] = field(default_factory=list)
    sent: dict[int, int] = field(default_factory=dict)  # the seq by the place in the outbox
    intents_done: list[int] = field(default_factory=list)

    def write(self, database: Database) -> int:
        """Store all of it; returns how many messages were replays of stored ones (and are not shown)."""
        room_id, now = self.record.room_id, int(time.time())
        rooms_table.put_room(database, self.record)
        if self.replaces_group or self.forgets_group:
            rooms_table.forget_group(database, room_id)
        rooms_table.put_group(database, room_id, self.group)
        if self.forgets_in_flight:
            rooms_table.forget_commits_in_flight(database, room_id)
        rooms_table.put_commits_in_flight(database, room_id, self.in_flight)
        if self.forgets_senders:
            log_table.forget_senders(database, room_id)
        replays = sum(not log_table.add_item(database, room_id, *item) for item in self.items)
        for seq, message_id, life in self.lives:
            lives_table.add(database, room_id, seq, message_id, life)
        log_table.add_links(database, room_id, self.links)
        log_table.put_senders(
            database,
            room_id,
            (
                log_table.SenderRecord(account_name, device_id, history.counter, history.last_hash)
                for (account_name, device_id), history in self.senders.items()
            ),
        )
        for contact in self.contacts:
            account_table.put_contact(database, contact, now)
        for alarm in self.alarms:
            log_table.add_alarm(database, room_id, alarm, now)
        if self.forgets_plans:
            outbox_table.forget(database, room_id)
            rooms_table.forget_intents(database, room_id)
        outbox_table.delete(database, self.sent)
        for position in self.intents_done:
            rooms_table.delete_intent(database, position)
        return replays


class RoomState:
    """A room's record, group, policy, chain and sender histories."""

    def __init__(self, record: RoomRecord, around: Surroundings) -> None:
        self.record = record
        self.around: Final = around
        self.group: Group | None = None
        self.senders: dict[tuple[str, bytes], SenderHistory] = {}
        self.links: dict[int, bytes] = {}
        self.intents: list[StoredIntent] = []
        self.in_flight: dict[bytes, CommitInFlight] = {}
        self.alarms: deque[Explanation] = deque(maxlen=KEPT_ALARMS)
        self.config: Final = GroupConfig(
            authentication=DeviceAuthentication(around.contacts),
            check_commit=self._check_commit,
            check_proposal=_check_proposal,
            trace=around.trace,
        )

    @classmethod
    def load(cls, database: Database, record: RoomRecord, around: Surroundings) -> RoomState:
        """Read a room back from the store."""
        state = cls(record, around)
        stored = rooms_table.group(database, record.room_id)
        if stored:
            state.group = Group.restore(stored, config=state.config)
            in_flight = rooms_table.commits_in_flight(database, record.room_id)
            state.in_flight = {commit.payload_hash: commit for commit in in_flight}
        for sender in log_table.senders(database, record.room_id):
            history = SenderHistory(sender.counter, sender.message_hash)
            state.senders[sender.account_name, sender.device_id] = history
        state.links = dict(log_table.links(database, record.room_id, KEPT_LINKS))
        state.intents = rooms_table.intents(database, record.room_id)
        state.alarms.extend(reversed(log_table.alarms(database, record.room_id, KEPT_ALARMS)))
        return state

    @property
    def chain(self) -> LogChain:
        """The chain at the newest entry processed."""
        return LogChain(self.record.seq, self.record.head_hash)

    @property
    def join_secret(self) -> JoinSecret:
        """The room's current join secret, as far as this device knows."""
        return JoinSecret(self.record.join_secret, self.record.join_secret_epoch)

    @property
    def policy(self) -> RoomPolicy | None:
        """The policy in the group's context; None outside the group."""
        return None if self.group is None else policy_in(self.group.extensions)

    def psks(self) -> dict[bytes, Secret]:
        """The PSKs a commit in this room may carry, by id."""
        secret = self.join_secret
        return {secret.psk_id(self.record.room_id): secret.psk()}

    def update(self, **fields: object) -> None:
        """Change fields of the record."""
        self.record = msgspec.structs.replace(self.record, **fields)

    def begin(self) -> Changes:
        """Begin to collect changes."""
        return Changes(self.record)

    def finish(self, changes: Changes) -> Changes:
        """Put the record's and the group's changes into ``changes``, ready to be stored."""
        changes.record = self.record
        if self.group is not None:
            changes.group.update(self.group.take_changes())
        return changes

    def add_in_flight(
        self, changes: Changes, staged: StagedCommit, payload_hash: bytes, intents: list[int]
    ) -> None:
        """Put a commit about to be sent into ``changes``, to know it in the log after a restart too."""
        group = {key: None if data is None else Secret(data) for key, data in staged.stored().items()}
        commit = CommitInFlight(payload_hash, staged.epoch - 1, intents, group)
        self.in_flight[payload_hash] = commit
        changes.in_flight.append(commit)

    def forget_in_flight(self, changes: Changes) -> None:
        """The epoch is over: what was sent in it has won or lost."""
        changes.forgets_in_flight = bool(self.in_flight)
        changes.in_flight.clear()
        self.in_flight.clear()

    def resume(self, commit: CommitInFlight) -> StagedCommit | None:
        """Make a commit of ours again that was sent before this process began; None outside its epoch."""
        if self.group is None or self.group.epoch != commit.epoch:
            return None
        return self.group.resume(
            {key: None if data is None else data.reveal() for key, data in commit.group.items()}
        )

    def add_link(self, changes: Changes, chain: LogChain) -> None:
        """Take the chain one entry on."""
        self.update(seq=chain.seq, head_hash=chain.head_hash)
        self.links[chain.seq] = chain.head_hash
        changes.links.append((chain.seq, chain.head_hash))
        if len(self.links) > 2 * KEPT_LINKS:
            self.links = dict(list(self.links.items())[-KEPT_LINKS:])

    def pin_first_contacts(self, changes: Changes, members: tuple[Member, ...]) -> None:
        """Pin the account key of every account met for the first time.

        Raises :class:`~sottovoce.client.credentials.AccountKeyChanged` if one disagrees with a pin.
        """
        contacts = self.around.contacts
        new = contacts.first_contacts(certificate_of(member.credential) for member in members)
        for contact in new:
            contacts.by_name[contact.account_name] = contact
        changes.contacts.extend(new)

    def _check_commit(self, staged: StagedCommit) -> None:
        """The policy hook of :class:`~sottovoce.mls.GroupConfig`: every commit passes here, ours too."""
        policy = policy_in(staged.old_group_context_extensions)
        new_policy = policy_in(staged.group_context_extensions)
        committer = occupant(staged.sender_member)
        check_commit(
            policy,
            ProposedCommit(
                epoch=staged.epoch - 1,
                committer=committer,
                is_external=staged.is_external,
                current_psk_id=self.join_secret.psk_id(self.record.room_id),
                # A resumption PSK has an empty id: members who were not there in its epoch could not follow.
                psk_ids=tuple(psk.psk_id for psk in staged.psks),
                added=tuple(
                    occupant(member)
                    for member in staged.added
                    if not (staged.is_external and member.leaf_index == staged.sender)
                ),
                removed=tuple(
                    Removal(
                        occupant(member),
                        occupant(member) if member.leaf_index in self.record.leavers else committer,
                    )
                    for member in staged.removed
                ),
                updated=tuple(map(occupant, staged.updated)),
                new_policy=None if new_policy == policy else new_policy,
                changes_context=_apart_from_policy(staged.old_group_context_extensions)
                != _apart_from_policy(staged.group_context_extensions),
            ),
        )


def _check_proposal(staged: StagedProposal) -> None:
    proposal = staged.proposal
    check_proposal(is_own_departure=isinstance(proposal, Remove) and proposal.removed == staged.sender)


def _apart_from_policy(extensions: tuple[Extension, ...]) -> list[Extension]:
    return [e for e in extensions if e.extension_type != POLICY_EXTENSION]


def policy_in(extensions: tuple[Extension, ...]) -> RoomPolicy:
    """The policy among a GroupContext's extensions; raises ContentError if it is malformed or missing."""
    data = next((e.data for e in extensions if e.extension_type == POLICY_EXTENSION), b"")
    return RoomPolicy.decode(data)


def occupant(member: Member) -> Occupant:
    """Who sits on a leaf."""
    certificate = certificate_of(member.credential)
    return Occupant(certificate.account_key, certificate.device_id)
