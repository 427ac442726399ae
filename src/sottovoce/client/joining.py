"""Ways into a room: found it, join by external commit, accept a Welcome.

Joining by external commit needs the join secret twice: it opens the sealed GroupInfo, and as an external PSK
it stands in the commit (RFC 9420 §8.4, §12.4.3.2; threats.md B14). A device that was in the room before
removes its own old leaf in the same commit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sottovoce.client.chain import INITIAL_HASH, LogChain
from sottovoce.client.credentials import certificate_of, certificates
from sottovoce.client.errors import ContentError, RoomRolledBack, SecretOutdated
from sottovoce.client.join_secret import (
    EXPORT_LABEL,
    JOIN_SECRET_EXTENSION,
    JOIN_SECRET_LENGTH,
    JoinSecret,
    NewerSecret,
)
from sottovoce.client.log_payload import SealedExternalCommit, encode_commit
from sottovoce.client.message_ids import new_message_id
from sottovoce.client.policy import POLICY_EXTENSION, Access, RoomPolicy
from sottovoce.client.room_state import Changes, RoomState, policy_in
from sottovoce.client.tables.rooms import Membership
from sottovoce.crypto.suites import DEFAULT, CipherSuite
from sottovoce.link.certificates import DeviceCertificate
from sottovoce.link.messages import Commit, RoomCreate
from sottovoce.link.parts import Device
from sottovoce.mls import (
    Capabilities,
    Extension,
    Group,
    GroupInfoView,
    KeyPackageBundle,
    LeafIndex,
    RequiredCapabilities,
    default_capabilities,
    inspect_group_info,
)

ROOM_SUITE: CipherSuite = DEFAULT
"""Every room's cipher suite; a GroupInfo or Welcome of another is refused (threats.md B23)."""


def capabilities() -> Capabilities:
    """What this device's leaves say they understand."""
    return default_capabilities(ROOM_SUITE, (POLICY_EXTENSION, JOIN_SECRET_EXTENSION))


@dataclass(frozen=True)
class PlannedJoin:
    """An external commit ready to be sent, and the group to take over once it is accepted."""

    group: Group
    request: Callable[[int], Commit]


@dataclass(frozen=True)
class Founding:
    """A new group of one member at epoch 0, and the request that puts it on the server."""

    group: Group
    join_secret: JoinSecret
    request: Callable[[int], RoomCreate]


def found(state: RoomState, now: int) -> Founding:
    """Make the group of a room that has none; ``now`` is Unix seconds.

    The founder owns the room, but for an open one, which nobody owns. In an invited room the join secret is
    an exporter output of epoch 0; elsewhere it is the one agreed outside.
    """
    record, around = state.record, state.around
    access = Access(record.access)
    own_key = around.own.certificate.account_key
    policy = RoomPolicy(record.name, access=access, owner=None if access is Access.OPEN else own_key)
    group = Group.create(
        ROOM_SUITE,
        record.room_id,
        around.own.credential,
        around.own.key_pair,
        extensions=(
            Extension(POLICY_EXTENSION, policy.encode()),
            RequiredCapabilities(extension_types=(POLICY_EXTENSION,)).extension(),
        ),
        capabilities=capabilities(),
        config=state.config,
        random=around.random,
        now=now,
    )
    secret = state.join_secret
    if access is Access.INVITE:
        secret = JoinSecret(group.export(EXPORT_LABEL, record.room_id, JOIN_SECRET_LENGTH), 0)
    sealed = secret.seal_group_info(record.room_id, 0, group.group_info(), around.random)
    return Founding(group, secret, lambda number: RoomCreate(number, record.room_id, sealed))


def plan_join(state: RoomState, epoch: int, sealed_group_info: bytes) -> PlannedJoin:
    """Plan the external commit that ends ``epoch``.

    Raises :class:`~sottovoce.client.errors.SealBroken` when the GroupInfo does not open with our secret,
    :class:`SecretOutdated` when it is sealed under a later one, :class:`RoomRolledBack` for an epoch older
    than one we were in and for other roles than we know,
    :class:`~sottovoce.client.credentials.AccountKeyChanged` for a member under another key than its pin, and
    :class:`~sottovoce.mls.MLSPeerError` for a GroupInfo that does not validate.
    """
    record, around, secret = state.record, state.around, state.join_secret
    try:
        group_info = secret.open_group_info(record.room_id, epoch, sealed_group_info)
    except NewerSecret:
        raise SecretOutdated(record.name) from None
    view = inspect_group_info(group_info, suite=ROOM_SUITE, authentication=state.config.authentication)
    _check_view(state, view, epoch)
    around.contacts.first_contacts(certificates(view.members))  # two keys for one name: not into this room
    old_leaf = _own_leaf(view, around.own.certificate)
    staged = Group.join_externally(
        group_info,
        around.own.credential,
        around.own.key_pair,
        suite=ROOM_SUITE,
        psks=state.psks(),
        remove=old_leaf,
        capabilities=capabilities(),
        config=state.config,
        random=around.random,
    )
    commit = secret.seal_external_commit(record.room_id, epoch, staged.commit, around.random)
    payload = encode_commit(SealedExternalCommit(commit))
    sealed = secret.seal_group_info(record.room_id, staged.epoch, staged.group_info(), around.random)
    device = Device(around.own.certificate.user, around.own.certificate.device_id)
    removed = [] if old_leaf is None else [device]
    message_id = new_message_id(around.random)

    def request(number: int) -> Commit:
        return Commit(number, record.room_id, message_id, epoch, payload, sealed, [device], removed)

    return PlannedJoin(staged.group, request)


def take_over(state: RoomState, group: Group, chain: LogChain, changes: Changes) -> None:
    """Be a member of ``group``, whose log we have from ``chain`` on, with a leaf that has sent nothing yet.

    Raises :class:`~sottovoce.client.credentials.AccountKeyChanged` when two members of one name disagree.
    """
    state.pin_first_contacts(changes, group.members())
    policy = policy_in(group.extensions)
    state.group = group
    state.senders.clear()
    state.links.clear()
    state.in_flight.clear()
    state.update(
        passed_over=None,
        has_later=False,
        name=policy.name,
        access=str(policy.access),
        membership=Membership.MEMBER,
        suite_id=group.suite.id,
        joined_seq=chain.seq,
        highest_epoch=max(state.record.highest_epoch, group.epoch),
        trouble="",
        leavers=(),
        counter=0,
        previous_hash=INITIAL_HASH,
    )
    changes.replaces_group = changes.forgets_senders = True
    changes.group = group.take_changes()
    state.add_link(changes, chain)
    changes.record = state.record


def join_by_welcome(
    state: RoomState, welcome: bytes, bundle: KeyPackageBundle, known: RoomState | None = None
) -> Group:
    """Open a Welcome into ``state``'s room, whose record gets the join secret that came with it.

    ``known``: the room as it is here, where this device is on its way into it, or back. Anybody can make a
    group of that room's id, so the Welcome then has to bring the very secret that this device holds
    (threats.md A1). Raises :class:`~sottovoce.mls.MLSPeerError`,
    :class:`~sottovoce.client.errors.ContentError` or :class:`RoomRolledBack`.
    """
    group = Group.join(welcome, bundle, config=state.config)
    if group.group_id != state.record.room_id:
        raise ContentError("A Welcome is for another room than the server says.")
    data = next((e.data for e in group.join_extensions if e.extension_type == JOIN_SECRET_EXTENSION), b"")
    secret = JoinSecret.from_extension(data)
    policy = policy_in(group.extensions)
    if secret.epoch != policy.join_secret_epoch:
        raise ContentError("A Welcome came with an outdated join secret.")
    if known is not None:
        if secret != known.join_secret:
            raise ContentError("A Welcome is into another group under a known room's id.")
        _check_roles(known, policy)
    if group.epoch <= state.record.highest_epoch:
        raise RoomRolledBack(policy.name)  # threats.md B3
    state.update(join_secret=secret.secret, join_secret_epoch=secret.epoch)
    return group


def _check_view(state: RoomState, view: GroupInfoView, epoch: int) -> None:
    if view.group_id != state.record.room_id or view.epoch != epoch:
        raise ContentError("The server gave a GroupInfo of another room or epoch.")
    offered = policy_in(view.extensions)
    if offered.join_secret_epoch != state.record.join_secret_epoch:
        raise SecretOutdated(state.record.name)
    _check_roles(state, offered)
    highest, group = state.record.highest_epoch, state.group
    if epoch > highest:
        return
    # threats.md B3: never back to an epoch before ours; to the same one only if it is the same.
    same = group is not None and group.confirmed_transcript_hash == view.confirmed_transcript_hash
    if epoch < highest or not same:
        raise RoomRolledBack(state.record.name)


def _check_roles(known: RoomState, offered: RoomPolicy) -> None:
    """Any member makes a GroupInfo, and none of the commits in between is seen: it gives no roles."""
    if known.policy is not None and known.policy.roles != offered.roles:
        raise RoomRolledBack(known.record.name)


def _own_leaf(view: GroupInfoView, own: DeviceCertificate) -> LeafIndex | None:
    """The leaf of this device; another account can give a device of its own the same id."""
    for member in view.members:
        theirs = certificate_of(member.credential)
        if (theirs.account_key, theirs.device_id) == (own.account_key, own.device_id):
            return member.leaf_index
    return None
