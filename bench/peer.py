"""ts-mls in a Node process of its own, asked over a pipe, one JSON line for each request."""

from __future__ import annotations

import json
import subprocess
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from bench.scene import CPU, MESSAGE_LENGTH, VALID, Clock

NAMES = {
    1: "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
    83: "MLS_256_XWING_AES256GCM_SHA512_Ed25519",
}
"""What ts-mls calls the suites measured."""


class PeerFailed(Exception):
    """ts-mls could not do what was asked; the text is its own."""


class TsMls:
    """The process; use it as a context manager."""

    def __init__(self, folder: Path) -> None:
        """Start Node on the ts-mls of ``folder``; raises :class:`PeerFailed` if there is no Node."""
        script = Path(__file__).with_name("ts_mls.mjs")
        try:
            self._process = subprocess.Popen(
                ["node", str(script), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        except FileNotFoundError:
            raise PeerFailed("Node is not installed") from None

    def __enter__(self) -> TsMls:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def ask(self, what: str, **arguments: object) -> Any:  # the answer is JSON of whatever was asked for
        """Return the answer to one request; raises :class:`PeerFailed`."""
        talk, answers = self._process.stdin, self._process.stdout
        if talk is None or answers is None:
            raise PeerFailed("ts-mls has no pipe")
        with suppress(BrokenPipeError):  # who has ended may have said why
            talk.write(json.dumps({"do": what, **arguments}) + "\n")
            talk.flush()
        line = answers.readline()
        if not line:
            raise PeerFailed("ts-mls has ended")
        answer = json.loads(line)
        if "error" in answer:
            raise PeerFailed(answer["error"])
        return answer["ok"]


class TheirScene:
    """A group of ts-mls, as :class:`bench.scene.Scene` is one of ours."""

    def __init__(self, peer: TsMls, suite: int, packages: Sequence[bytes]) -> None:
        """Build it; ``packages`` are all members but the creator and the receiver."""
        self._peer = peer
        self._name = f"suite {suite}, {len(packages) + 2} members"
        encoded = [b64encode(package).decode() for package in packages]
        peer.ask("setup", group=self._name, suite=NAMES[suite], lifetime=VALID, packages=encoded)

    def run(self, operation: str, times: int, clock: Clock) -> list[float]:
        """Do it that often; returns how many seconds each took."""
        seconds: list[float] = self._peer.ask(
            "run",
            group=self._name,
            operation=operation,
            times=times,
            length=MESSAGE_LENGTH,
            cpu=clock is CPU,
        )
        return seconds

    def agrees(self) -> bool:
        """Whether creator and receiver are in one epoch."""
        return bool(self._peer.ask("agree", group=self._name))
