"""Reading a room log, entry by entry in seq order: decrypt, judge, remember.

What cannot be read is a numbered :class:`Gap` and the room goes on. A commit that does not follow the rules
is passed over: the group stays in its epoch until another commit of that epoch takes its place. What must be
read and cannot raises :class:`OutOfStep` with the state as it was before that entry.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sottovoce.client import explanations
from sottovoce.client.calendar import time_of
from sottovoce.client.chain import Duplicate, HistoryFork, MissingMessages, SenderHistory
from sottovoce.client.content import Envelope, MimiContent, message_hash
from sottovoce.client.credentials import AccountKeyChanged, certificate_of, certificates
from sottovoce.client.errors import PolicyViolation
from sottovoce.client.events import (
    AnyTimelineItem,
    Explanation,
    ForkAlarm,
    Gap,
    MemberJoined,
    MemberLeft,
    ReceivedMessage,
)
from sottovoce.client.join_secret import EXPORT_LABEL, JOIN_SECRET_LENGTH
from sottovoce.client.log_payload import MemberCommit, decode_commit
from sottovoce.client.message_recording import life_of, protection_of
from sottovoce.client.room_state import Changes, RoomState, policy_in
from sottovoce.client.tables.lives import LifeRecord
from sottovoce.client.tables.outbox import OutboxRecord
from sottovoce.client.tables.rooms import Membership
from sottovoce.errors import PeerError
from sottovoce.link.certificates import DeviceCertificate
from sottovoce.link.messages import Commit
from sottovoce.link.parts import Entry, EntryKind
from sottovoce.mls import (
    Group,
    Member,
    OwnMessage,
    StagedApplication,
    StagedCommit,
    StagedProposal,
)

MAX_AGE: Final = 31 * 86400
MAX_CLOCK_DIFFERENCE: Final = 86400
"""Seconds: an honest server gives no entry older than its retention, 30 days at most, nor one of tomorrow."""


def time_to_judge_by(entry: Entry, now: int) -> int:
    """The time, in Unix seconds, at which every member judges whether a key package in the entry is valid.

    It is the server's, so that who reads late judges as those who read at once; ``now``, this device's clock,
    bounds it. A server that lies gains that a key package counts as valid up to 31 days after its end, for
    an insider who adds it, or that members refuse one that is valid and have to join again.
    """
    return min(max(entry.at // 1000, now - MAX_AGE), now + MAX_CLOCK_DIFFERENCE)


class _Unfollowable(PeerError):
    """A commit that does not follow the rules, for this device."""


class OutOfStep(PeerError):
    """An entry that this device must be able to follow, and cannot: the room is to be joined again."""


@dataclass
class PendingCommit:
    """A commit of ours that was sent: merged when its entry is read back from the log."""

    staged: StagedCommit
    payload_hash: bytes
    intents: list[int]
    """Positions of the intents it carries out."""
    request: Callable[[int], Commit]
    """Makes the request of a request id; the same may be sent again when its answer was lost."""


class LogReader:
    """Reads entries into a :class:`RoomState` and the :class:`Changes` of a batch."""

    def __init__(self, state: RoomState, sent: dict[bytes, OutboxRecord]) -> None:
        self.pending: PendingCommit | None = None
        self.was_superseded = False
        """Whether a commit took the place of one that was merged, since this was last set to False."""
        self.state: Final = state
        self._sent: Final = sent  # the outbox by payload hash
        self._unattributed = 0  # unreadable entries reported, whose sender's next message will count them
        self._forked: set[tuple[str, bytes]] = set()  # devices whose fork was reported

    def reset(self) -> None:
        """The state jumped to another place of the log: nothing of before is under way."""
        self.pending = None
        self._unattributed = 0
        self._forked.clear()

    def read(self, entry: Entry, changes: Changes, now: int) -> None:
        """Process the next entry; ``now`` is this device's own clock, Unix seconds.

        Raises :class:`OutOfStep`, or :class:`AccountKeyChanged` for a commit that would seat an account
        under another key than the pinned one; nothing of the entry has been taken over then.
        """
        judged_at = time_to_judge_by(entry, now)
        if entry.kind is EntryKind.COMMIT:
            self._read_commit(entry, changes, judged_at)
        else:
            self._read_message(entry, changes, judged_at)
        self.state.add_link(changes, self.state.chain.advance(entry.kind, entry.payload))

    # --- messages ----------------------------------------------------------------------------------------

    def _read_message(self, entry: Entry, changes: Changes, now: int) -> None:
        sent = self._sent.pop(hashlib.sha256(entry.payload).digest(), None)
        if sent is not None and sent.envelope is not None:
            self.show_own(sent, entry.seq, time_of(entry), changes, entry.payload)
            return
        group = self._group()
        self._note_later(entry, group)
        try:
            staged = group.process(entry.payload, now=now)
            if isinstance(staged, StagedCommit):
                raise OutOfStep("A commit was stored as a message.")
        except OwnMessage as trouble:
            if trouble.is_from_another_copy:
                # threats.md B4: this leaf signed what this store knows nothing of: the store is an old copy.
                raise OutOfStep("This device's store is older than what it has sent.") from trouble
            # Any member can name our leaf and a key used before, and the server can give an entry twice.
            self._add_gap(entry, changes, 1, "It came in this device's name, which did not send it now.")
            return
        except (OutOfStep, PolicyViolation) as trouble:
            self._add_gap(entry, changes, 1, str(trouble))  # no message: no sender's count tells of it
            return
        except PeerError as trouble:
            self._unattributed += 1
            self._add_gap(entry, changes, 1, f"It does not decrypt: {trouble}")
            return
        group.merge(staged)
        if isinstance(staged, StagedProposal):
            # The only proposal there is (policy P11): the sender leaves; outsiders propose nothing here.
            if staged.sender is not None:
                self.state.update(leavers=(*self.state.record.leavers, staged.sender))
        elif isinstance(staged, StagedApplication):
            self._read_application(entry, staged, changes)

    def _read_application(self, entry: Entry, staged: StagedApplication, changes: Changes) -> None:
        certificate = certificate_of(staged.sender_credential)
        try:
            envelope = Envelope.decode(staged.content)
            content = MimiContent.decode(envelope.content)
        except PeerError as trouble:
            self._unattributed += 1
            self._add_gap(entry, changes, 1, f"{certificate.user} sent something malformed: {trouble}")
            return
        if not self._check_history(entry, certificate, envelope, staged.content, changes):
            return
        self._check_head(entry, certificate, envelope, changes)
        protection = protection_of(self._group().suite, staged.details)
        life = life_of(protection, entry.payload, staged.content, content.text or "")
        self._show(entry.seq, time_of(entry), certificate, content, changes, life=life)

    def show_own(
        self, sent: OutboxRecord, seq: int, at: datetime, changes: Changes, payload: bytes | None = None
    ) -> None:
        """Put a message of this device, which the server has stored as ``seq``, into the timeline.

        ``payload`` is the entry's, where it was read: which of several ciphertexts was stored, it alone says.
        """
        content = MimiContent.decode(sent.content)
        changes.sent[sent.position] = seq
        life = None
        if payload is not None and sent.protection is not None and sent.envelope is not None:
            life = life_of(sent.protection, payload, sent.envelope, content.text or "")
        self._show(seq, at, self.state.around.own.certificate, content, changes, life=life)

    def _show(
        self,
        seq: int,
        at: datetime,
        sender: DeviceCertificate,
        content: MimiContent,
        changes: Changes,
        *,
        life: LifeRecord | None,
    ) -> None:
        around, record = self.state.around, self.state.record
        text = content.text
        if text is None:
            changes.items.append(
                (
                    Gap(seq=seq, at=at, count=1, reason=f"{sender.user} sent what this version cannot show."),
                    None,
                )
            )
            return
        message_id = content.message_id(around.user_uri(sender.account_name), around.room_uri(record.room_id))
        message = ReceivedMessage(
            seq=seq,
            at=at,
            sender=sender.user,
            text=text,
            is_mine=sender.account_name == around.own.certificate.account_name,
            device_id=sender.device_id,
            message_id=message_id,
            verified=around.contacts.is_verified(sender.account_name),
        )
        changes.items.append((message, message_id))
        if life is not None:
            changes.lives.append((seq, message_id, life))

    def _check_history(
        self, entry: Entry, sender: DeviceCertificate, envelope: Envelope, octets: bytes, changes: Changes
    ) -> bool:
        """Hold the sender's counter and previous hash against its last message; False: do not show it."""
        key = (sender.account_name, sender.device_id)
        history = self.state.senders.get(key)
        if history is None:
            after, finding = SenderHistory.first_heard(envelope.counter, message_hash(octets)), None
        else:
            after, finding = history.advance(envelope.counter, envelope.previous_hash, message_hash(octets))
        self.state.senders[key] = changes.senders[key] = after
        match finding:
            case Duplicate():
                changes.alarms.append(explanations.replayed(sender.user))
                self._add_gap(entry, changes, 1, f"A message of {sender.user} came a second time.")
                return False
            case MissingMessages(count):
                explained = min(count, self._unattributed)
                self._unattributed -= explained
                if count > explained:
                    reason = f"{sender.user} sent {count - explained} before this that never came."
                    self._add_gap(entry, changes, count - explained, reason)
            case HistoryFork():
                reason = f"{sender.user} continues a message that this device was never given."
                self._add_fork(entry, sender, entry.seq, reason, changes)
            case None:
                pass
        return True

    def _check_head(
        self, entry: Entry, sender: DeviceCertificate, envelope: Envelope, changes: Changes
    ) -> None:
        """Hold the log head the sender had seen against our own chain."""
        key = (sender.account_name, sender.device_id)
        ours = self.state.links.get(envelope.head_seq)
        if envelope.head_seq >= entry.seq:
            reason = f"{sender.user} had read the log further than it goes here."
        elif ours is not None and ours != envelope.head_hash:
            reason = f"{sender.user} has read another history of this room."
        else:
            if ours is not None:
                self._forked.discard(key)
            return
        if key not in self._forked:
            self._forked.add(key)
            self._add_fork(entry, sender, envelope.head_seq, reason, changes)

    # --- commits -----------------------------------------------------------------------------------------

    def _read_commit(self, entry: Entry, changes: Changes, now: int) -> None:
        group, state = self._group(), self.state
        if entry.epoch < group.epoch:
            reason = "A change was put in the place of one that was followed here, and was passed over."
            self._pass_over(entry, reason, explanations.superseded(entry.seq), changes)
            self.was_superseded = True
            return
        before = group.members()
        self.pending, pending = None, self.pending  # whoever won the epoch, ours is no longer pending
        try:
            staged, intents = self._own_commit(entry, pending) or (self._process_commit(entry, now), [])
        except _Unfollowable as trouble:
            if entry.epoch == group.epoch:
                state.update(passed_over=entry.seq, has_later=False)
            self._note_later(entry, group)
            reason = f"A change of the room did not follow its rules and was passed over: {trouble}"
            self._pass_over(entry, reason, explanations.passed_over(entry.seq), changes)
            return
        policy = None if staged.removes_self else policy_in(staged.group_context_extensions)
        if not staged.removes_self:
            state.pin_first_contacts(changes, staged.added + staged.updated)
        group.merge(staged)
        state.update(leavers=(), passed_over=None, has_later=False)
        state.forget_in_flight(changes)
        changes.intents_done.extend(intents)
        state.intents = [i for i in state.intents if i.position not in intents]
        self._begin_histories(staged, changes)
        after: Iterable[Member] = ()
        if policy is None:
            changes.forgets_group = True
            state.group = None
            state.update(membership=Membership.REMOVED)
            changes.alarms.append(explanations.removed(certificate_of(staged.sender_member.credential).user))
        else:
            after = group.members()
            state.update(highest_epoch=max(state.record.highest_epoch, staged.epoch))
            state.update(name=policy.name, access=str(policy.access))
            if policy.join_secret_epoch != state.record.join_secret_epoch:
                secret = group.export(EXPORT_LABEL, state.record.room_id, JOIN_SECRET_LENGTH)
                state.update(join_secret=secret, join_secret_epoch=policy.join_secret_epoch)
        self._show_roster(entry, certificates(before), certificates(after) if policy else [], changes)

    def _own_commit(
        self, entry: Entry, pending: PendingCommit | None
    ) -> tuple[StagedCommit, list[int]] | None:
        """Return a commit of ours and the intents it carries out; None when the entry is another's."""
        payload_hash = hashlib.sha256(entry.payload).digest()
        if pending is not None and pending.payload_hash == payload_hash:
            return pending.staged, pending.intents
        in_flight = self.state.in_flight.get(payload_hash)
        staged = None if in_flight is None else self.state.resume(in_flight)
        return None if in_flight is None or staged is None else (staged, in_flight.intents)

    def _begin_histories(self, staged: StagedCommit, changes: Changes) -> None:
        """A leaf that comes, anew or again, numbers its messages from 1."""
        for member in staged.added:
            certificate = certificate_of(member.credential)
            key = (certificate.account_name, certificate.device_id)
            self.state.senders[key] = changes.senders[key] = SenderHistory()

    def _process_commit(self, entry: Entry, now: int) -> StagedCommit:
        """Judge a commit. Raises _Unfollowable for one that breaks the rules, where the room may wait for
        another of its epoch, else OutOfStep.
        """
        group, state = self._group(), self.state
        if entry.epoch > group.epoch and state.record.passed_over is None:
            raise OutOfStep("A change of the room cannot be followed: one before it is missing.")
        try:
            commit = decode_commit(entry.payload)
            if isinstance(commit, MemberCommit):
                message = commit.message
            else:
                message = state.join_secret.open_external_commit(
                    state.record.room_id, group.epoch, commit.sealed
                )
            staged = group.process(message, psks=state.psks(), now=now)
            if isinstance(staged, StagedCommit):
                state.around.contacts.first_contacts(certificates(staged.added + staged.updated))
        except AccountKeyChanged as trouble:
            if trouble.user.lower() in state.around.contacts.by_name:
                raise
            # This account's own name, or two keys under a new one: there is nothing for a person to decide.
            raise _Unfollowable(str(trouble)) from trouble
        except OwnMessage as trouble:
            raise OutOfStep(f"A change of the room cannot be followed: {trouble}") from trouble
        except PeerError as trouble:
            raise _Unfollowable(str(trouble)) from trouble
        if not isinstance(staged, StagedCommit):
            raise _Unfollowable("it is a message")
        return staged

    def _note_later(self, entry: Entry, group: Group) -> None:
        """Something of a later epoch, after a commit that was passed over: others may have taken that one."""
        if self.state.record.passed_over is not None and entry.epoch > group.epoch:
            self.state.update(has_later=True)

    def _pass_over(self, entry: Entry, reason: str, alarm: Explanation, changes: Changes) -> None:
        changes.items.append((Gap(seq=entry.seq, at=time_of(entry), count=1, reason=reason), None))
        changes.alarms.append(alarm)

    def _show_roster(
        self, entry: Entry, before: list[DeviceCertificate], after: list[DeviceCertificate], changes: Changes
    ) -> None:
        """Report accounts that came with a first device or went with the last."""
        had = Counter(certificate.account_name for certificate in before)
        has = Counter(certificate.account_name for certificate in after)
        names = {certificate.account_name: certificate.user for certificate in (*before, *after)}
        at = time_of(entry)
        for name in sorted(names):
            item: AnyTimelineItem | None = None
            if has[name] and not had[name]:
                item = MemberJoined(seq=entry.seq, at=at, user=names[name])
            elif had[name] and not has[name]:
                item = MemberLeft(seq=entry.seq, at=at, user=names[name])
            if item is not None:
                changes.items.append((item, None))

    # --- findings ----------------------------------------------------------------------------------------

    def _add_gap(self, entry: Entry, changes: Changes, count: int, reason: str) -> None:
        changes.items.append((Gap(seq=entry.seq, at=time_of(entry), count=count, reason=reason), None))
        changes.alarms.append(explanations.gap(entry.seq, count, reason))

    def _add_fork(
        self, entry: Entry, sender: DeviceCertificate, forked_seq: int, reason: str, changes: Changes
    ) -> None:
        item = ForkAlarm(
            seq=entry.seq, at=time_of(entry), sender=sender.user, forked_seq=forked_seq, reason=reason
        )
        changes.items.append((item, None))
        changes.alarms.append(explanations.fork(reason))

    def _group(self) -> Group:
        if self.state.group is None:
            raise OutOfStep("This device holds no keys of the room.")
        return self.state.group
