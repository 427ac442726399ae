"""The connection's state table: which request is legal when, which reply answers it, where that leads.

    GREETING -> GREETED -> (REGISTERING | LOGGING_IN) -> ACCOUNT -> DEVICE, and CLOSED from anywhere

Only a reply changes the state, so client and server change it at the same message. Before DEVICE one request
is under way at a time; in DEVICE any number is, told apart by their ids.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from sottovoce.link import messages as m


class State(Enum):
    """Where a connection is between TLS's handshake and its end."""

    GREETING = "greeting"  # nothing but Hello
    GREETED = "greeted"  # the version is agreed; nobody is logged in
    REGISTERING = "registering"  # RegistrationResponse was sent
    LOGGING_IN = "logging in"  # KE2 was sent
    ACCOUNT = "account"  # the password was right; no device yet
    DEVICE = "device"  # a device is logged in
    CLOSED = "closed"

    # There is one of each, so identity is enough; Enum's own is a Python call, made for every message.
    __hash__ = object.__hash__


_ENTRANCES: Final[frozenset[type[m.Request]]] = frozenset(
    {m.Ping, m.RegisterStart, m.RegisterFinish, m.LoginStart, m.DeviceLogin}
)

LEGAL_REQUESTS: Final[dict[State, frozenset[type[m.Request]]]] = {
    State.GREETING: frozenset({m.Hello}),
    State.GREETED: _ENTRANCES,
    State.REGISTERING: _ENTRANCES,
    State.LOGGING_IN: frozenset({m.Ping, m.LoginFinish}),
    State.ACCOUNT: frozenset({m.Ping, m.EnrolDevice, m.DeviceLogin, m.VaultGet, m.VaultPut}),
    State.DEVICE: frozenset(
        {
            m.Ping, m.CreateToken, m.VaultGet, m.VaultPut, m.KeyPackagesPublish, m.KeyPackagesLeft,
            m.KeyPackagesClaim, m.RoomList, m.RoomCreate, m.RoomState, m.Turn, m.TurnRelease, m.Commit,
            m.Append, m.Fetch, m.Subscribe, m.Leave, m.GroupInfoDamaged, m.InboxFetch, m.InboxDelete,
        }
    ),
    State.CLOSED: frozenset(),
}  # fmt: skip
"""The requests a client may send in each state."""

ANSWERS: Final[dict[type[m.Request], type[m.Reply]]] = {
    m.Hello: m.HelloReply,
    m.Ping: m.Done,
    m.RegisterStart: m.RegisterStartReply,
    m.RegisterFinish: m.Done,
    m.LoginStart: m.LoginStartReply,
    m.LoginFinish: m.LoginFinishReply,
    m.EnrolDevice: m.Done,
    m.DeviceLogin: m.Done,
    m.CreateToken: m.CreateTokenReply,
    m.VaultGet: m.VaultReply,
    m.VaultPut: m.Done,
    m.KeyPackagesPublish: m.Done,
    m.KeyPackagesLeft: m.KeyPackagesLeftReply,
    m.KeyPackagesClaim: m.KeyPackagesClaimReply,
    m.RoomList: m.RoomListReply,
    m.RoomCreate: m.Done,
    m.RoomState: m.RoomStateReply,
    m.Turn: m.TurnReply,
    m.TurnRelease: m.Done,
    m.Commit: m.CommitReply,
    m.Append: m.AppendReply,
    m.Fetch: m.FetchReply,
    m.Subscribe: m.SubscribeReply,
    m.Leave: m.Done,
    m.GroupInfoDamaged: m.Done,
    m.InboxFetch: m.InboxFetchReply,
    m.InboxDelete: m.Done,
}
"""The one reply type of each request; :class:`~sottovoce.link.messages.ErrorReply` answers any."""

AFTER_SUCCESS: Final[dict[type[m.Request], State]] = {
    m.Hello: State.GREETED,
    m.RegisterStart: State.REGISTERING,
    m.RegisterFinish: State.GREETED,
    m.LoginStart: State.LOGGING_IN,
    m.LoginFinish: State.ACCOUNT,
    m.DeviceLogin: State.DEVICE,
}
"""The state a request's own answer leads to; requests not listed leave it as it is."""

AFTER_REFUSAL: Final[dict[type[m.Request], State]] = {
    m.RegisterStart: State.GREETED,
    m.RegisterFinish: State.GREETED,
    m.LoginStart: State.GREETED,
    m.LoginFinish: State.GREETED,
    m.DeviceLogin: State.GREETED,
}
"""The state an ErrorReply leads to; requests not listed leave it as it is."""
