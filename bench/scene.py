"""One group of ours with two members who act, and every operation that is timed on it."""

from __future__ import annotations

import gc
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Final

from sottovoce.crypto.suites import CipherSuite
from sottovoce.mls import (
    Credential,
    Group,
    GroupConfig,
    KeyPackageBundle,
    Lifetime,
    StagedApplication,
    generate_key_package,
    no_padding,
)

MESSAGE_LENGTH = 300
"""Bytes of application data in a message."""
NOW = int(time.time())
VALID = (NOW - 86_400, NOW + 86_400)
"""When the key packages are valid, Unix seconds."""
OPERATIONS = ("encrypt", "decrypt", "join", "commit", "process")
"""What is timed on either side, in this order: decrypt and process take what the one before has sent."""

Clock = Callable[[], float]
"""Seconds since whenever."""
WALL: Final[Clock] = time.perf_counter
CPU: Final[Clock] = time.process_time
_RARE = ("join", "commit", "process")
CONFIG = GroupConfig(padding=no_padding)
_TEXT = b"a" * MESSAGE_LENGTH


def bundle(suite: CipherSuite, name: str) -> KeyPackageBundle:
    """Make a client's key package."""
    return generate_key_package(
        suite,
        Credential.basic(name.encode()),
        suite.signature_key_pair(os.urandom(suite.signature_seed_length)),
        lifetime=Lifetime(*VALID),
        random=os.urandom,
    )


def forget_caches() -> None:
    """Empty every ``lru_cache`` of ours: what is rare finds no key loaded by the time before."""
    for clear in _clearings():
        clear()


@cache
def _clearings() -> tuple[Callable[[], None], ...]:
    kind = type(lru_cache(_clearings))
    cached = (one for one in gc.get_objects() if isinstance(one, kind))
    return tuple(one.cache_clear for one in cached if one.__module__.startswith("sottovoce."))


class Scene:
    """A creator, a receiver and members who only have a leaf; no parent node of the tree is filled.

    One commit without a path adds everyone. Each of :data:`OPERATIONS` is from bytes to bytes and ends with
    the new state in place (``merge``), so that it can be repeated.
    """

    def __init__(self, suite: CipherSuite, packages: Sequence[bytes]) -> None:
        """Build it; ``packages`` are all members but the creator and the receiver."""
        self.suite = suite
        self.receiver_bundle = bundle(suite, "joiner")
        keys = suite.signature_key_pair(os.urandom(suite.signature_seed_length))
        self.sender = Group.create(
            suite,
            b"bench",
            Credential.basic(b"creator"),
            keys,
            lifetime=Lifetime(*VALID),
            config=CONFIG,
            random=os.urandom,
            now=NOW,
        )
        everyone = [*packages, self.receiver_bundle.message]
        staged = self.sender.commit(add=everyone, force_path=False, random=os.urandom, now=NOW)
        self.sender.merge(staged)
        self.welcome = staged.welcome or b""
        self.receiver = self._joined()
        self.sent: deque[bytes] = deque()
        self._operations: dict[str, Callable[[], object]] = {
            "encrypt": self.encrypt,
            "decrypt": self.receive,
            "join": self._joined,
            "commit": self.commit,
            "process": self.receive,
        }

    def run(self, operation: str, times: int, clock: Clock) -> list[float]:
        """Do it that often; returns how many seconds each took."""
        act, seconds = self._operations[operation], []
        for _ in range(times):
            if operation in _RARE:
                forget_caches()
            start = clock()
            act()
            seconds.append(clock() - start)
        return seconds

    def agrees(self) -> bool:
        """Whether creator and receiver are in one epoch."""
        return self.sender.epoch_authenticator == self.receiver.epoch_authenticator

    def _joined(self) -> Group:
        return Group.join(self.welcome, self.receiver_bundle, config=CONFIG)

    def encrypt(self) -> None:
        """Encrypt a message to the group."""
        staged = self.sender.encrypt(_TEXT, random=os.urandom)
        self.sender.merge(staged)
        self.sent.append(staged.message)

    def commit(self) -> None:
        """Commit to nothing but a new path: its secret is sealed to every other member."""
        staged = self.sender.commit(random=os.urandom, now=NOW)
        self.sender.merge(staged)
        self.sent.append(staged.message)

    def receive(self) -> None:
        """Take the next message or commit in."""
        staged = self.receiver.process(self.sent.popleft(), now=NOW)
        if isinstance(staged, StagedApplication) and staged.content != _TEXT:
            raise RuntimeError("another content came out")
        self.receiver.merge(staged)
