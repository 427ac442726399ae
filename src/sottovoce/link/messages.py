"""Every message of the link, client to server and back (docs/protocol.md, *Link*).

A message is a MessagePack array: its type's name, then its fields in the order written here. Fields are only
ever added at the end, with a default; a reader ignores what follows the fields it knows. Requests carry an
``id`` that is unique among the requests under way on a connection, replies echo it, pushes have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, field

from sottovoce.link.parts import (
    Counter,
    Device,
    DeviceId,
    Entry,
    ErrorCode,
    Hash,
    InboxItem,
    Key,
    KeyPackageOf,
    MessageId,
    Outgoing,
    Part,
    Payload,
    RoomId,
    RoomSummary,
    ShortPayload,
    Signature,
    Stretching,
    Token,
    UserName,
    WelcomeFor,
)

PROTOCOL_VERSION = 1
ALPN = "sottovoce/1"

SHORTEST_INVITE, LONGEST_INVITE = 60, 30 * 86400
"""Seconds that a registration token, and with it an invite link, can be good for."""


class Message(Part, frozen=True):
    """Base of every message on the link."""


class Request(Message, frozen=True):
    """A message that expects exactly one reply with the same ``id``."""

    id: Counter


class Reply(Message, frozen=True):
    """The one answer to the request with this ``id``."""

    id: Counter


class Push(Message, frozen=True):
    """A message from the server that nobody asked for; losing one loses nothing."""


# --- hello, errors, ping -----------------------------------------------------------------------------------


class Hello(Request, frozen=True, tag="hello"):
    """First message of every connection."""

    versions: Annotated[list[int], Meta(min_length=1, max_length=16)]
    client: Annotated[str, Meta(max_length=64)]


class HelloReply(Reply, frozen=True, tag="hello_reply"):
    """``challenge`` is 32 fresh bytes that a device login on this connection signs."""

    version: int
    open_registration: bool
    challenge: Key


class ErrorReply(Message, frozen=True, tag="error"):
    """A refusal. ``id`` is None when no request could be told apart; the connection then closes."""

    id: Counter | None
    code: ErrorCode
    message: str
    retry_after: float | None = None  # seconds
    epoch: Counter | None = None  # with STALE_EPOCH: the room's current epoch


class Ping(Request, frozen=True, tag="ping"):
    """Is the other side there."""


class Done(Reply, frozen=True, tag="done"):
    """It is done, and durable if it changed anything."""


# --- register, login, device login -------------------------------------------------------------------------


class RegisterStart(Request, frozen=True, tag="register_start"):
    """RFC 9807 §5.1.1: RegistrationRequest for a user name not yet taken."""

    user: UserName
    token: Token | None
    registration_request: Key


class RegisterStartReply(Reply, frozen=True, tag="register_start_reply"):
    """RFC 9807 §5.1.2: RegistrationResponse, and the stretching to use."""

    registration_response: Annotated[bytes, Meta(min_length=64, max_length=64)]
    stretching: Stretching


class RegisterFinish(Request, frozen=True, tag="register_finish"):
    """Creates the account and its first device. Sending the same again gets the same answer."""

    user: UserName
    token: Token | None
    registration_record: Annotated[bytes, Meta(min_length=192, max_length=192)]
    stretching: Stretching
    account_key: Key
    certificate: ShortPayload
    vault: ShortPayload


class LoginStart(Request, frozen=True, tag="login_start"):
    """RFC 9807 §6.1: KE1. For a device that is not yet known."""

    user: UserName
    ke1: Annotated[bytes, Meta(min_length=96, max_length=96)]


class LoginStartReply(Reply, frozen=True, tag="login_start_reply"):
    """KE2; for an unknown user a fake one that nobody can tell apart."""

    ke2: Annotated[bytes, Meta(min_length=320, max_length=320)]
    stretching: Stretching


class LoginFinish(Request, frozen=True, tag="login_finish"):
    """KE3."""

    ke3: Annotated[bytes, Meta(min_length=64, max_length=64)]


class LoginFinishReply(Reply, frozen=True, tag="login_finish_reply"):
    """The account is authenticated: its vault, out of which the client certifies this device."""

    vault_version: Counter
    vault: ShortPayload


class EnrolDevice(Request, frozen=True, tag="enrol_device"):
    """Adds a device, certified by the account key, to the account that just logged in."""

    certificate: ShortPayload


class DeviceLogin(Request, frozen=True, tag="device_login"):
    """Proof by the device's authentication key over (challenge, server key pin, user, device id)."""

    user: UserName
    device_id: DeviceId
    signature: Signature


class CreateToken(Request, frozen=True, tag="create_token"):
    """Asks for a one-time registration token to put into an invite link."""

    expires_in: Annotated[int, Meta(ge=SHORTEST_INVITE, le=LONGEST_INVITE)]  # seconds


class CreateTokenReply(Reply, frozen=True, tag="create_token_reply"):
    """The token, and when it ends (Unix seconds)."""

    token: Token
    expires_at: Counter


# --- vault -------------------------------------------------------------------------------------------------


class VaultGet(Request, frozen=True, tag="vault_get"):
    """Reads the account's vault."""


class VaultReply(Reply, frozen=True, tag="vault_reply"):
    """The vault, sealed under a key from OPAQUE's export_key."""

    version: Counter
    vault: ShortPayload


class VaultPut(Request, frozen=True, tag="vault_put"):
    """Compare-and-set: stores ``vault`` as version ``expected_version + 1``, or VAULT_CONFLICT."""

    expected_version: Counter
    vault: ShortPayload


# --- key packages ------------------------------------------------------------------------------------------


class KeyPackagesPublish(Request, frozen=True, tag="key_packages_publish"):
    """Publishes this device's key packages, beside those it published before.

    With ``last_resort`` they take the place of all of them: none of those is handed out any more.
    """

    key_packages: Annotated[list[ShortPayload], Meta(max_length=100)]
    last_resort: ShortPayload | None = None


class KeyPackagesLeft(Request, frozen=True, tag="key_packages_left"):
    """How many of this device's key packages are unclaimed."""


class KeyPackagesLeftReply(Reply, frozen=True, tag="key_packages_left_reply"):
    """Unclaimed one-time key packages, and whether the last-resort one was handed out."""

    left: Counter
    last_resort_used: bool


class KeyPackagesClaim(Request, frozen=True, tag="key_packages_claim"):
    """Claims one key package of each of a user's devices."""

    user: UserName


class KeyPackagesClaimReply(Reply, frozen=True, tag="key_packages_claim_reply"):
    """One key package a device; missing is one of which none is left, no last resort either, or all ended."""

    key_packages: list[KeyPackageOf]


# --- rooms -------------------------------------------------------------------------------------------------


class RoomList(Request, frozen=True, tag="room_list"):
    """This device's rooms, and the open ones."""


class RoomListReply(Reply, frozen=True, tag="room_list_reply"):
    """See :class:`RoomSummary`."""

    rooms: list[RoomSummary]


class RoomCreate(Request, frozen=True, tag="room_create"):
    """Founds a room's group at epoch 0 with this device as its only member; ROOM_EXISTS if one is there."""

    room_id: RoomId
    group_info: Payload


class RoomState(Request, frozen=True, tag="room_state"):
    """Reads what a joiner needs."""

    room_id: RoomId


class RoomStateReply(Reply, frozen=True, tag="room_state_reply"):
    """``epoch`` None: no group yet. ``head_hash`` is the chain's hash at ``head``, both the server's word.
    ``group_info`` is sealed and of ``epoch``.
    """

    epoch: Counter | None
    head: Counter
    head_hash: Hash
    group_info: bytes | None


class Turn(Request, frozen=True, tag="turn"):
    """Asks for the turn to commit in a room. The reply comes when it is granted, first come first served."""

    room_id: RoomId
    want_group_info: bool


class TurnReply(Reply, frozen=True, tag="turn_reply"):
    """The turn is this connection's until it commits, gives it back, or ``expires_in`` ms have passed.
    The rest as in :class:`RoomStateReply`.
    """

    expires_in: Counter
    epoch: Counter | None
    head: Counter
    head_hash: Hash
    group_info: bytes | None


class TurnRelease(Request, frozen=True, tag="turn_release"):
    """Gives the turn (or the place in the queue) back."""

    room_id: RoomId


class Commit(Request, frozen=True, tag="commit"):
    """Ends ``epoch``: the commit, its Welcomes, the roster change and the sealed GroupInfo of the next epoch,
    stored in one transaction or not at all. A device may add itself (external commit).

    ``supersedes``: the seq of the commit that ended the same epoch before, and does not follow the rules for
    the sender; it and those after it are taken back.
    """

    room_id: RoomId
    message_id: MessageId
    epoch: Counter
    payload: Payload
    group_info: Payload
    added: Annotated[list[Device], Meta(max_length=1000)] = field(default_factory=list)
    removed: Annotated[list[Device], Meta(max_length=1000)] = field(default_factory=list)
    welcomes: Annotated[list[WelcomeFor], Meta(max_length=1000)] = field(default_factory=list)
    supersedes: Counter | None = None


class CommitReply(Reply, frozen=True, tag="commit_reply"):
    """Where the commit stands in the log, and the chain's hash there."""

    seq: Counter
    head_hash: Hash


class Append(Request, frozen=True, tag="append"):
    """Appends messages in this order, all of them or none."""

    room_id: RoomId
    messages: Annotated[list[Outgoing], Meta(min_length=1, max_length=64)]


class AppendReply(Reply, frozen=True, tag="append_reply"):
    """The seq of each message; an earlier one where it was stored before."""

    seqs: list[Counter]


class Fetch(Request, frozen=True, tag="fetch"):
    """Reads the log after ``after``; the server may send fewer than ``limit``."""

    room_id: RoomId
    after: Counter
    limit: Annotated[int, Meta(ge=1, le=1000)] = 500


class FetchReply(Reply, frozen=True, tag="fetch_reply"):
    """Consecutive entries; ``head`` is the newest seq there is, ``first`` the oldest still kept."""

    entries: Sequence[Entry]
    head: Counter
    first: Counter


class Subscribe(Request, frozen=True, tag="subscribe"):
    """From now on entries of this room are pushed. Replied with :class:`SubscribeReply`; entries up to its
    ``head`` are for Fetch, every later one is pushed.
    """

    room_id: RoomId


class SubscribeReply(Reply, frozen=True, tag="subscribe_reply"):
    """``head``: the newest seq before the pushes begin."""

    head: Counter


class Leave(Request, frozen=True, tag="leave"):
    """Takes this device off the room's roster (the members' own Remove takes it out of the group)."""

    room_id: RoomId


class GroupInfoDamaged(Request, frozen=True, tag="group_info_damaged"):
    """A joiner could not open the sealed GroupInfo of ``epoch``: members online are asked to commit anew."""

    room_id: RoomId
    epoch: Counter


# --- inbox -------------------------------------------------------------------------------------------------


class InboxFetch(Request, frozen=True, tag="inbox_fetch"):
    """Welcomes that wait for this device."""


class InboxFetchReply(Reply, frozen=True, tag="inbox_fetch_reply"):
    """Oldest first."""

    items: list[InboxItem]


class InboxDelete(Request, frozen=True, tag="inbox_delete"):
    """These were processed; the server forgets them."""

    item_ids: Annotated[list[Counter], Meta(min_length=1, max_length=1000)]


# --- pushes ------------------------------------------------------------------------------------------------


class EntriesPush(Push, frozen=True, tag="entries"):
    """New entries of a subscribed room, consecutive, oldest first."""

    room_id: RoomId
    entries: Sequence[Entry]


class CatchUp(Push, frozen=True, tag="catch_up"):
    """This connection read too slowly: pushes of the room up to ``head`` were dropped; Fetch them."""

    room_id: RoomId
    head: Counter


class InboxPush(Push, frozen=True, tag="inbox"):
    """Something is in the inbox."""


class GroupInfoWanted(Push, frozen=True, tag="group_info_wanted"):
    """The sealed GroupInfo of this room is damaged; a commit stores a new one."""

    room_id: RoomId


class ServerStopping(Push, frozen=True, tag="server_stopping"):
    """Everything acknowledged is on disk; come back after ``retry_after`` seconds."""

    retry_after: float


ClientMessage = (
    Hello | Ping | RegisterStart | RegisterFinish | LoginStart | LoginFinish | EnrolDevice | DeviceLogin
    | CreateToken | VaultGet | VaultPut | KeyPackagesPublish | KeyPackagesLeft | KeyPackagesClaim | RoomList
    | RoomCreate | RoomState | Turn | TurnRelease | Commit | Append | Fetch | Subscribe | Leave
    | GroupInfoDamaged | InboxFetch | InboxDelete
)  # fmt: skip

ServerMessage = (
    HelloReply | ErrorReply | Done | RegisterStartReply | LoginStartReply | LoginFinishReply
    | CreateTokenReply | VaultReply | KeyPackagesLeftReply | KeyPackagesClaimReply | RoomListReply
    | RoomStateReply | TurnReply | CommitReply | AppendReply | FetchReply | SubscribeReply
    | InboxFetchReply | EntriesPush | CatchUp | InboxPush | GroupInfoWanted | ServerStopping
)  # fmt: skip
