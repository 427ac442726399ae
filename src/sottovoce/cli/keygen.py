"""``sottovoce keygen``: a fresh room key, to standard output or into a file that only its owner reads."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from sottovoce.cli.console import Console
from sottovoce.cli.errors import FileNotWritable
from sottovoce.cli.exit_codes import ExitCode
from sottovoce.cli.room_key import KEY_LENGTH, room_key_text


def run(arguments: Sequence[str]) -> ExitCode:
    """Make one key; see :class:`sottovoce.cli.main.Command`."""
    options = _parser().parse_args(arguments)
    text = room_key_text(os.urandom(KEY_LENGTH))
    console = Console()
    if options.out is None:
        console.show(text)
    else:
        _write(options.out, text)
        console.say(f"The key is in {options.out}. Hand it over in person, not through the server it is for.")
    return ExitCode.OK


def _write(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise FileNotWritable(str(path), error.strerror or "not possible") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sottovoce keygen",
        description="Make a key for a room. Whoever holds it makes or joins the room with "
        "`sottovoce chat --room NAME --room-key FILE`; the server never sees it.",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write it into a new file (0600), not to standard output"
    )
    return parser
