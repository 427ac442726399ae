"""Terminals of a tmux server of our own: typed into and read as a person would."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from end_to_end_world import COMMAND, PATIENCE

_MODES = (
    "alternate_on", "cursor_flag", "mouse_any_flag", "mouse_all_flag", "mouse_button_flag", "mouse_sgr_flag",
    "mouse_standard_flag", "keypad_flag", "keypad_cursor_flag", "insert_flag", "origin_flag", "wrap_flag",
)  # fmt: skip


class Terminals:
    """Named terminals, all with one home and one runtime directory below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / "tmux")
        self._folder = folder

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", self._socket, "-f", "/dev/null", *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def open(
        self, name: str, *arguments: str, size: tuple[int, int] = (100, 30), home: Path | None = None
    ) -> None:
        """Open a terminal, ``size`` columns and rows, that runs ``sottovoce`` with these arguments.

        Who has a ``home`` of their own is on a machine of their own: no server is found there.
        What is left afterwards says ``left with`` the exit code and echoes what is typed.
        """
        shell = f"{shlex.join([*COMMAND, *arguments])}; echo left with $?; exec cat"
        # COLUMNS and LINES of the one who runs the tests would be taken for the size of this terminal.
        runtime = home / "runtime" if home else self._folder / "runtime"
        environment = [
            f"HOME={self._folder}", f"SOTTOVOCE_RUNTIME_DIR={runtime}",
            f"SOTTOVOCE_HOME={home or self._folder / 'home'}", "TERM=xterm-256color",
            f"PATH={os.environ['PATH']}",
        ]  # fmt: skip
        self.open_shell(
            name, shlex.join(["env", "-u", "COLUMNS", "-u", "LINES", *environment, "sh", "-c", shell]), size
        )

    def open_shell(self, name: str, line: str, size: tuple[int, int] = (100, 30)) -> None:
        """Open a terminal that runs a line of shell."""
        self._tmux("new-session", "-d", "-s", name, "-x", str(size[0]), "-y", str(size[1]), line)
        self._tmux("set-option", "-s", "set-clipboard", "on")

    def type(self, name: str, text: str, *keys: str) -> None:
        """Type a text and press ``keys``, in tmux's names; Enter if there are none."""
        self._tmux("send-keys", "-t", name, "-l", text)
        self.press(name, *(keys or ("Enter",)))

    def press(self, name: str, *keys: str) -> None:
        """Press keys in tmux's names."""
        self._tmux("send-keys", "-t", name, *keys)

    def paste(self, name: str, text: str) -> None:
        """Paste, in brackets where the terminal's program asked for them."""
        self._tmux("set-buffer", "-b", "pasted", text)
        self._tmux("paste-buffer", "-p", "-r", "-b", "pasted", "-t", name)

    def clipboard(self) -> str:
        """Return what a program copied last (OSC 52)."""
        return self._tmux("show-buffer")

    def screen(self, name: str) -> str:
        """Return what is on the screen."""
        return self._tmux("capture-pane", "-p", "-t", name)

    def modes(self, name: str) -> dict[str, str]:
        """Return the terminal's modes that a program can set."""
        values = self._tmux("display-message", "-p", "-t", name, ",".join(f"#{{{mode}}}" for mode in _MODES))
        return dict(zip(_MODES, values.strip().split(","), strict=True))

    def wait_for(
        self,
        name: str,
        *texts: str,
        gone: str = "",
        holds: Callable[[str], bool] = lambda _: True,
        timeout: float = PATIENCE,
    ) -> str:
        """Wait until all of ``texts`` are on the screen, ``gone`` is not, and ``holds``; return it."""
        deadline = time.monotonic() + timeout
        while True:
            screen = self.screen(name)
            if all(text in screen for text in texts) and not (gone and gone in screen) and holds(screen):
                return screen
            assert time.monotonic() < deadline, (
                f"{name} never showed {texts} without {gone!r} ({self.modes(name)}):\n{screen}"
            )
            time.sleep(0.05)

    def process_id(self, name: str) -> int:
        """Return the id of the process that the terminal was opened for."""
        return int(self._tmux("display-message", "-p", "-t", name, "#{pane_pid}"))

    def kill(self, what: str) -> None:
        """Close the terminals as tmux does: ``kill-session`` the last one, ``kill-server`` all."""
        self._tmux(what)

    def close(self) -> None:
        """End all of it."""
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], capture_output=True, check=False)
