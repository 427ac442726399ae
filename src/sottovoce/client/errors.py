"""What the SDK refuses or cannot do, each as a sentence that says what to do next.

The command line gives every class here its own exit code (:mod:`sottovoce.cli.exit_codes`).
Names and texts that came from a peer are inside some sentences: a face passes them through
:func:`sottovoce.client.sanitize.sanitize` like everything else it prints.
"""

from __future__ import annotations

from pathlib import Path

from sottovoce.errors import InternalError, LocalError, PeerError
from sottovoce.link.invite_link import BadInviteLink, ExpiredInviteLink
from sottovoce.link.parts import ErrorCode

__all__ = [
    "BadInviteLink",
    "BadInviteTime",
    "BadRoomName",
    "BadUserName",
    "CannotBeAdded",
    "CertificateChanged",
    "ClientClosed",
    "ContentError",
    "DeviceRefused",
    "ExpiredInviteLink",
    "KeyChanged",
    "KnownServersDamaged",
    "LinkLost",
    "NameTaken",
    "NoLifeRecorded",
    "NoLocalServer",
    "NotInRoom",
    "PolicyViolation",
    "ProfileInUse",
    "RateLimited",
    "RegistrationRefused",
    "RequestRefused",
    "RoomRolledBack",
    "SealBroken",
    "SecretOutdated",
    "ServerNotReachable",
    "ServerRefused",
    "StoreDamaged",
    "StoreTooNew",
    "StoreUnwritable",
    "TextTooLong",
    "UnknownRoom",
    "UnknownUser",
    "ValueTooLong",
    "VaultFull",
    "WrongPassword",
    "store_refusal",
]


class BadUserName(LocalError):
    """What was given is no user name: it could name a folder of its own choice."""

    def __init__(self) -> None:
        super().__init__(
            "A user name has 1 to 32 of the letters A to Z, digits, dot, dash and underscore, and is neither "
            "`.` nor `..`: choose such a one."
        )


class BadRoomName(LocalError):
    """What was given is no room's name: none, or a longer one than its members could agree on."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"A room's name has 1 to {limit} characters: choose such a one.")


class BadInviteTime(LocalError):
    """An invite link cannot be good for so long, or so short; ``shortest`` and ``longest`` are seconds."""

    def __init__(self, shortest: int, longest: int) -> None:
        super().__init__(
            f"An invite link is good for {shortest} to {longest} seconds: choose a number between them."
        )


class WrongPassword(LocalError):
    """The password opens neither the profile on this machine nor the account on the server.

    ``needs_invite``: the server was asked and would make no new account of this name without a (fresh) link.
    """

    def __init__(self, user: str, *, needs_invite: bool = False) -> None:
        self.needs_invite = needs_invite
        super().__init__(
            f"The user name {user} or the password is wrong. Check both and try again; "
            "a new account needs an invite link."
        )


class DeviceRefused(LocalError):
    """The server does not know this device (any more)."""

    def __init__(self, user: str) -> None:
        super().__init__(
            f"The server does not know this device of {user}: it was revoked, or the server's data is new. "
            "Move the profile's folder aside and log in again with your password, or register anew."
        )


class ClientClosed(LocalError):
    """Something was asked of a client after its ``async with`` block had ended."""

    def __init__(self) -> None:
        super().__init__("This client is closed. Connect again with `sottovoce.connect`.")


class NameTaken(LocalError):
    """Registration asked for a name that another account has."""

    def __init__(self, user: str) -> None:
        super().__init__(
            f"The name {user} is taken on this server. Choose another with --user, "
            "or type its password if the account is yours."
        )


class RegistrationRefused(LocalError):
    """The server wants an invite token that is valid, and got none."""

    def __init__(self) -> None:
        super().__init__(
            "The server makes no new account without a valid invitation. "
            "Ask a member for a fresh link (`sottovoce invite`) and start with it."
        )


class ServerNotReachable(LocalError):
    """No TCP connection, or no TLS handshake, within the deadline."""

    def __init__(self, host: str, port: int, reason: str = "") -> None:
        detail = f" ({reason})" if reason else ""
        super().__init__(
            f"The server at {host}:{port} cannot be reached{detail}. "
            "Check the address and that `sottovoce serve` is running there."
        )


class NoLocalServer(LocalError):
    """No link was given and this user runs no server on this machine."""

    def __init__(self) -> None:
        super().__init__(
            "No server of yours runs on this machine. Start one with `sottovoce serve`, "
            "or give the invite link you were sent: `sottovoce chat LINK`."
        )


class CertificateChanged(PeerError):
    """The server's TLS key is not the one that was pinned: a new key, or a machine in the middle."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"The server at {host}:{port} shows another key than before; nothing was sent to it. "
            "Somebody may be in between. Ask who runs the server, and get a new invite link from them "
            "if the key was changed on purpose."
        )


class ServerRefused(PeerError):
    """The server answered a request with a typed refusal that has no class of its own here.

    ``code`` is the link's :class:`~sottovoce.link.messages.ErrorCode` as a string.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(f"The server refused ({code}): {message}")


class RequestRefused(ServerRefused):
    """A refusal that the client's own rules may know how to go on from.

    ``retry_after`` is in seconds; ``epoch``, with STALE_EPOCH, the room's current one.
    """

    def __init__(
        self, code: ErrorCode, message: str, retry_after: float | None = None, epoch: int | None = None
    ) -> None:
        super().__init__(code, message)
        self.error_code = code
        self.retry_after = retry_after
        self.epoch = epoch


class LinkLost(LocalError):
    """The connection ended while something waited for it; the client connects again by itself."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The connection to the server ended: {reason}.")


class RateLimited(PeerError):
    """The server asks for patience; ``retry_after`` is in seconds, None if it did not say."""

    def __init__(self, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        wait = "a little" if retry_after is None else f"{retry_after:.0f} seconds"
        super().__init__(f"The server got too many tries. Wait {wait} and try again.")


class ProfileInUse(LocalError):
    """Another process holds the profile's lock; two would use the same keys twice."""

    def __init__(self, user: str) -> None:
        super().__init__(
            f"The profile of {user} is in use by another running sottovoce. "
            "Use that one (`/invite` works inside the chat), or leave it with `quit` first."
        )


class StoreDamaged(LocalError):
    """The encrypted store of this profile does not open or fails its integrity check."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"The local store {path} is damaged. Move its folder aside and log in again with your "
            "password: rooms and contacts come back, history kept only here does not."
        )


class StoreTooNew(LocalError):
    """The store was made by a later version of Sottovoce; it is left as it was."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"The local store {path} was made by a newer Sottovoce. Use that version, or a later one; "
            "nothing in it was changed."
        )


class KnownServersDamaged(LocalError):
    """The list of servers' keys is not what was written: no key in it can be relied on."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"The list of known servers {path} is damaged. Move it aside and enter by an invite link, which "
            "brings the server's key; an address alone would count as a first contact again."
        )


class StoreUnwritable(LocalError):
    """A file of the profile cannot be used: a full disk, missing rights, a read-only file system.

    ``reason`` is the system's own word for it, if it gave one.
    """

    def __init__(self, path: str, reason: str | None = None) -> None:
        because = f" ({reason})" if reason else ""
        super().__init__(
            f"The local store {path} cannot be written{because}. Check what is there, its permissions and "
            "the free space, then start again: what was acknowledged is kept."
        )


def store_refusal(trouble: OSError, path: Path) -> StoreDamaged | StoreUnwritable:
    """Return what an error of the file system means for the profile that ``path`` is of.

    A folder where a file belongs is damage; everything else can be put right where it is.
    """
    if isinstance(trouble, IsADirectoryError):
        return StoreDamaged(str(path))
    return StoreUnwritable(str(path), trouble.strerror)


class NotInRoom(LocalError):
    """This device left the room, or was taken out of it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"You are not in {name} any more. Join it again with an invite link from a member.")


class UnknownRoom(LocalError):
    """A room by this name is not among this account's rooms, nor open on the server."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is no room named {name} here. Ask a member for its invite link, or make it: "
            "`sottovoce chat --room NAME --new`, or with a room key of `sottovoce keygen`."
        )


class UnknownUser(LocalError):
    """Nobody by this name is in the room, or on the server."""

    def __init__(self, user: str) -> None:
        super().__init__(f"Nobody is called {user} here. `/who` lists who is in the room.")


class CannotBeAdded(LocalError):
    """An account of whose devices the server has no key package: none has connected for long, or ever."""

    def __init__(self, user: str) -> None:
        super().__init__(
            f"{user} cannot be added now: the server has no valid key of any of their devices, which renew "
            f"it when they connect. Ask {user} to connect once, then add again, or send an invite link."
        )


class KeyChanged(PeerError):
    """A contact's pinned account key is not the one now shown: refused until a person has looked."""

    def __init__(self, user: str) -> None:
        self.user = user
        super().__init__(
            f"The key of {user} has changed. Ask {user} in person or by phone why, and compare the number "
            f"that `/verify {user}` shows: accept the new key only if both of you see the same."
        )


class NoLifeRecorded(LocalError):
    """Nothing is known of how a message was protected."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"This message cannot be looked into: {reason}. Choose a newer one.")


class TextTooLong(LocalError):
    """A text does not fit into one message; ``length`` and ``limit`` are bytes of UTF-8."""

    def __init__(self, length: int, limit: int) -> None:
        self.length = length
        self.limit = limit
        super().__init__(
            f"This text has {length} bytes; one message holds {limit}. Nothing of it was sent: "
            "split it and send the parts."
        )


class ValueTooLong(LocalError):
    """A value to be kept is longer than one may be; ``length`` and ``limit`` are bytes."""

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(
            f"This needs {length} bytes, and {limit} can be kept: it was not kept. Make it shorter."
        )


class VaultFull(LocalError):
    """Contacts and rooms no longer fit into the account's vault on the server."""

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(
            f"What the server keeps for your next device would need {length} bytes and has room for {limit}: "
            "a new device will not find your newest rooms and contacts. Leave rooms you no longer use."
        )


class ContentError(PeerError):
    """Decrypted bytes that are not what this version calls a message, a policy or a vault."""


class SealBroken(PeerError):
    """Sealed bytes do not open: altered, of another room or epoch, or under another secret."""


class SecretOutdated(PeerError):
    """The join secret this device holds (from a link, a vault) was rotated since."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The way into {name} has changed since this invitation. Ask a member for a fresh one."
        )


class RoomRolledBack(PeerError):
    """The server offers an older or another state of a room than this device was in already."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The server offers an older or a different {name} than this device knows; it is not joined. "
            "Ask the other members what they see, and who runs the server."
        )


class PolicyViolation(PeerError):
    """A commit that the room's policy forbids; ``rule`` is the id in :class:`PolicyRule`."""

    def __init__(self, rule: str, message: str) -> None:
        self.rule = rule
        super().__init__(f"{message} ({rule})")


def failed_task(whose: str, bug: Exception) -> InternalError:
    """What to tell those who wait for a task that a bug ended: the bug's class and place, not its words.

    An exception's own text may hold what was being decoded.
    """
    trouble = InternalError(f"The task of {whose} failed ({type(bug).__name__}): a bug in Sottovoce.")
    return trouble.with_traceback(bug.__traceback__)
