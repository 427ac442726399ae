"""The root of every error Sottovoce raises on purpose.

Three classes, because they are handled in opposite ways:

* :class:`LocalError`: this side was asked for something impossible; say what to do next.
* :class:`PeerError`: the other side broke a rule; refuse, keep the state as it was, go on.
* :class:`InternalError`: a bug of ours; stop before it does harm.
"""


class SottovoceError(Exception):
    """Base of all deliberate errors; ``str(error)`` is one sentence for a person to read."""


class LocalError(SottovoceError):
    """Our caller's misuse or this machine's trouble: nothing the peer did."""


class PeerError(SottovoceError):
    """Input from a peer, a server or a file broke a rule; no state has changed."""


class InternalError(SottovoceError):
    """An invariant of our own does not hold: a bug in Sottovoce."""
