"""What the primitives refuse.

A peer's bytes lead to a :class:`~sottovoce.errors.PeerError` of this module and to nothing else; a
caller's misuse (a key of the wrong length) to a :class:`~sottovoce.errors.LocalError`.
"""

from sottovoce.errors import LocalError, PeerError


class UnsupportedCipherSuite(PeerError):
    """A cipher suite number that this build does not implement."""


class DecryptionError(PeerError):
    """A ciphertext, or the KEM output before it, is not authentic. Says nothing about which part."""


class InvalidPublicKey(PeerError):
    """Bytes that are no public key: wrong length, not on the curve, or of low order."""


class InvalidPoint(PeerError):
    """Bytes that are no usable ristretto255 element: not canonical, or the identity."""


class InvalidScalar(PeerError):
    """Bytes that are no usable ristretto255 scalar: zero, or not reduced."""


class UnacceptableParameters(PeerError):
    """Password hashing parameters outside the floor and ceiling that this side accepts."""


class InvalidCertificate(PeerError):
    """Bytes that are no X.509 certificate."""


class InvalidPrivateKey(LocalError):
    """Bytes that are no private key of this algorithm."""


class InvalidArgument(LocalError):
    """An argument of a length or a value that the algorithm does not have."""


class InsufficientMemory(LocalError):
    """This machine does not have the memory that password hashing asks for."""


class LibsodiumUnavailable(LocalError):
    """libsodium cannot be loaded on this machine, as it is."""
