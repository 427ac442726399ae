"""What OPAQUE refuses. One error for each way a login can end, whatever the reason: no oracle."""

from sottovoce.errors import LocalError, PeerError


class InvalidMessage(PeerError):
    """A message or record of a wrong length, or with a group element that is none."""


class DamagedRecord(LocalError):
    """A record that the server stored for an account is none any more."""


class LoginFailed(PeerError):
    """The client cannot finish the login: wrong password, wrong server or a changed message."""


class AuthenticationFailed(PeerError):
    """The client's last message does not prove that it knows the password."""


class InvalidInput(LocalError):
    """A password, an identity or a context of a length that the protocol cannot encode."""
