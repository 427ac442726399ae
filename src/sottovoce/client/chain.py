"""The two chains by which a lying server is caught (docs/protocol.md, *The log cannot lie quietly*).

:class:`LogChain` runs over a room's log as this client saw it; :class:`SenderHistory` over what one device
sent in that room. Both are values: advancing one returns the next.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from sottovoce.link.parts import EntryKind

INITIAL_HASH: Final = bytes(32)
"""H(0), and the ``previous_hash`` of a device's first message in a room."""


@dataclass(frozen=True, slots=True)
class LogChain:
    """H(``seq``): ``head_hash`` (32 bytes) after the entry with that seq; seq 0 is the empty log."""

    seq: int = 0
    head_hash: bytes = INITIAL_HASH

    def advance(self, kind: EntryKind, payload: bytes) -> LogChain:
        """Return the chain after the next entry: ``SHA-256(H(n-1) || kind || SHA-256(payload))``."""
        step = self.head_hash + kind.octet + hashlib.sha256(payload).digest()
        return LogChain(self.seq + 1, hashlib.sha256(step).digest())


@dataclass(frozen=True, slots=True)
class MissingMessages:
    """The device numbered ``count`` messages that never came: dropped, or not readable by us."""

    count: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A number that came before or was passed over: a replay, or a message that was held back."""

    counter: int


@dataclass(frozen=True, slots=True)
class HistoryFork:
    """The device continues another message than the one we have under that number."""

    counter: int


Finding = MissingMessages | Duplicate | HistoryFork


@dataclass(frozen=True, slots=True)
class SenderHistory:
    """Where one device's messages in a room stand: the last ``counter`` and its ``message_hash`` (32 bytes).

    A device that joins begins at counter 1 with :data:`INITIAL_HASH`; who joins later than it begins
    wherever the first message heard from it stands (:meth:`first_heard`).
    """

    counter: int = 0
    last_hash: bytes = INITIAL_HASH

    @classmethod
    def first_heard(cls, counter: int, message_hash: bytes) -> SenderHistory:
        """Begin with a device whose earlier messages we were not there for."""
        return cls(counter, message_hash)

    def advance(
        self, counter: int, previous_hash: bytes, message_hash: bytes
    ) -> tuple[SenderHistory, Finding | None]:
        """Judge the device's next message and return the history after it.

        ``counter`` and ``previous_hash`` are what the envelope says, ``message_hash`` its own hash. After a
        :class:`Duplicate` the history is the same as before.
        """
        if counter <= self.counter:
            return self, Duplicate(counter)
        after = SenderHistory(counter, message_hash)
        if counter > self.counter + 1:
            return after, MissingMessages(counter - self.counter - 1)
        if previous_hash != self.last_hash:
            return after, HistoryFork(counter)
        return after, None
