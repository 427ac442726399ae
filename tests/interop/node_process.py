"""A process of Node that answers one line of JSON with another."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

INTEROP = Path(__file__).parents[2] / "interop"


class PeerRefused(Exception):
    """The other implementation threw; :attr:`kind` is the class of what it threw."""

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        super().__init__(f"{kind}: {text}")


def find_node() -> str | None:
    """Return the Node to use: the one beside this Python, as the Makefile does, or the machine's."""
    beside = str(Path(sys.executable).parent)
    return shutil.which("node", path=os.pathsep.join((beside, os.environ.get("PATH", os.defpath))))


class NodeProcess:
    """One program of ``interop/`` and a pipe to it."""

    def __init__(self, program: str) -> None:
        node = find_node()
        assert node is not None
        self._process = subprocess.Popen(
            [node, program], cwd=INTEROP, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:  # what JSON holds
        """Send a request and return its answer; raises ``PeerRefused`` for what the other side threw."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"{INTEROP} ended with {self._process.wait()}"
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise PeerRefused(answer["error"], answer["text"])
        return answer["ok"]

    def close(self) -> None:
        """End the process and wait for it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
