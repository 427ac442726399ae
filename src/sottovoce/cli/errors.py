"""What the command line itself refuses, before or beside the SDK."""

from __future__ import annotations

from sottovoce.errors import LocalError


class UsageError(LocalError):
    """Arguments or surroundings that do not go together; the sentence says which to change."""


class NotUtf8(LocalError):
    """Standard input is not UTF-8; ``line`` counts from 1."""

    def __init__(self, line: int) -> None:
        super().__init__(
            f"Line {line} of standard input is not UTF-8. The lines before it were sent, it and what follows "
            "were not: convert it (`iconv -t UTF-8`) and send the rest."
        )


class LineTooLong(LocalError):
    """A line of standard input does not fit into one message; ``line`` counts from 1, ``limit`` is bytes."""

    def __init__(self, line: int, limit: int) -> None:
        super().__init__(
            f"Line {line} of standard input is longer than the {limit} bytes that one message holds. The "
            "lines before it were sent, it and what follows were not: split it (`fold -b -w 32000`) and send "
            "the rest."
        )


class BadRoomKey(LocalError):
    """A file that holds no room key, or one with a slip in it."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"{path} holds no room key ({reason}). `sottovoce keygen --out FILE` makes one; copy it whole."
        )


class FileNotWritable(LocalError):
    """A file that was to be made is there already, or cannot be made."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path} cannot be written ({reason}). Give another name.")


class OutputLost(LocalError):
    """Standard output takes nothing more: a full disk behind it, a broken device."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"Standard output cannot be written ({reason}). What was acknowledged is safe: send the output "
            "elsewhere and start again."
        )


class DemoFailed(LocalError):
    """The demo looked at what it had done, and something was not as it must be."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The demo found a fault: {what}. Please report it with what is printed above.")
