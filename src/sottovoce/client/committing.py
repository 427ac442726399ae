"""Planning a commit of ours: what it takes to carry an intent out in the room's present epoch.

A plan is of one epoch and changes nothing; :mod:`sottovoce.client.sync` sends it and merges it once it is
read back from the log. When another commit wins the epoch, the intent is planned anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sottovoce.client.credentials import certificate_of
from sottovoce.client.errors import ContentError
from sottovoce.client.join_secret import (
    EXPORT_LABEL,
    JOIN_SECRET_EXTENSION,
    JOIN_SECRET_LENGTH,
    JoinSecret,
)
from sottovoce.client.log_payload import MemberCommit, encode_commit
from sottovoce.client.log_reader import PendingCommit
from sottovoce.client.message_ids import new_message_id
from sottovoce.client.policy import POLICY_EXTENSION, Access
from sottovoce.client.room_state import RoomState, policy_in
from sottovoce.client.tables.rooms import AddUser, RemoveUser, StoredIntent
from sottovoce.errors import InternalError
from sottovoce.link.messages import Commit
from sottovoce.link.parts import Device, WelcomeFor
from sottovoce.mls import Extension, Group, KeyPackage, LeafIndex, Member, StagedCommit


def plan_commit(state: RoomState, stored: StoredIntent, now: int) -> PendingCommit | None:
    """Plan ``stored`` in the present epoch; None when there is nothing (left) to do for it.

    Where the epoch's newest commit was passed over, the commit supersedes it (docs/protocol.md, *Commits*).
    ``now`` is Unix seconds. The group has used a handshake key after this: store its ratchet before sending.
    Raises :class:`~sottovoce.mls.ValidationError`, :class:`~sottovoce.client.errors.PolicyViolation` or
    another PeerError when it may not be committed.
    """
    group = _group(state)
    add: list[KeyPackage] = []
    remove: list[LeafIndex] = []
    match stored.intent:
        case AddUser(user=user, key_packages=key_packages):
            present = {_device(member) for member in group.members()}
            packages = _packages_of(user, key_packages, state)
            add = [one for one in packages if _device_of_package(one) not in present]
            if not add:
                return None
        case RemoveUser(user=user):
            remove = [leaf for leaf, name in _names(group) if name == user.lower()]
            if not remove:
                return None
        case _:
            pass
    rotates = bool(remove or state.record.leavers) and policy_in(group.extensions).access is Access.INVITE
    # A Welcome carries the join secret, and a rotated one is known only once its commit is made: who is
    # added after a removal is added by the next commit, so the intent stays.
    postponed = bool(rotates and add)
    staged = group.commit(
        add=() if postponed else add,
        remove=remove,
        group_context_extensions=_rotated(group) if rotates else None,
        welcome_group_info_extensions=(_secret_extension(state.join_secret),) if add else (),
        random=state.around.random,
        now=now,
    )
    if staged.send_step is not None:
        group.merge(staged.send_step)
    return _planned(state, staged, [] if postponed else [stored.position])


def _packages_of(user: str, key_packages: Sequence[bytes], state: RoomState) -> list[KeyPackage]:
    """Read the key packages that the server gave for ``user``; it says so, their certificates must too.

    Raises :class:`ContentError` for another's (threats.md A2), and
    :class:`~sottovoce.client.credentials.AccountKeyChanged` for two keys under one name.
    """
    packages = [KeyPackage.from_message(message) for message in key_packages]
    theirs = [certificate_of(package.leaf_node.credential) for package in packages]
    if any(certificate.account_name != user.lower() for certificate in theirs):
        raise ContentError(f"The server gave another's key packages for {user}; nobody was added.")
    state.around.contacts.first_contacts(theirs)
    return packages


def _planned(state: RoomState, staged: StagedCommit, intents: list[int]) -> PendingCommit:
    room_id, random = state.record.room_id, state.around.random
    payload = encode_commit(MemberCommit(staged.message))
    secret = _secret_after(state, staged)
    sealed = secret.seal_group_info(room_id, staged.epoch, staged.group_info(), random)
    added = [_device(member) for member in staged.added]
    removed = [_device(member) for member in staged.removed]
    welcomes = [WelcomeFor(device, staged.welcome) for device in added] if staged.welcome else []
    message_id, supersedes = new_message_id(random), state.record.passed_over

    def request(number: int) -> Commit:
        return Commit(
            number,
            room_id,
            message_id,
            staged.epoch - 1,
            payload,
            sealed,
            added,
            removed,
            welcomes,
            supersedes,
        )

    return PendingCommit(staged, hashlib.sha256(payload).digest(), intents, request)


def _secret_after(state: RoomState, staged: StagedCommit) -> JoinSecret:
    epoch = policy_in(staged.group_context_extensions).join_secret_epoch
    if epoch == state.record.join_secret_epoch:
        return state.join_secret
    return JoinSecret(staged.export(EXPORT_LABEL, state.record.room_id, JOIN_SECRET_LENGTH), epoch)


def _rotated(group: Group) -> tuple[Extension, ...]:
    policy = policy_in(group.extensions).rotated(group.epoch + 1)
    return tuple(
        Extension(POLICY_EXTENSION, policy.encode()) if e.extension_type == POLICY_EXTENSION else e
        for e in group.extensions
    )


def _secret_extension(secret: JoinSecret) -> Extension:
    return Extension(JOIN_SECRET_EXTENSION, secret.to_extension())


def _names(group: Group) -> list[tuple[LeafIndex, str]]:
    return [(m.leaf_index, certificate_of(m.credential).account_name) for m in group.members()]


def _device(member: Member) -> Device:
    certificate = certificate_of(member.credential)
    return Device(certificate.user, certificate.device_id)


def _device_of_package(package: KeyPackage) -> Device:
    certificate = certificate_of(package.leaf_node.credential)
    return Device(certificate.user, certificate.device_id)


def _group(state: RoomState) -> Group:
    if state.group is None:
        raise InternalError("A commit was planned in a room this device is not in.")
    return state.group
