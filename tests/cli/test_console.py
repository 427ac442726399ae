"""Threat E1 on the printing path of the plain chat: a terminal gets none of a sender's controls."""

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from sottovoce.cli.console import Console
from sottovoce.cli.timeline_text import message_text
from sottovoce.client.events import ReceivedMessage

sys.path.insert(0, str(Path(__file__).parent.parent / "client"))
from hostile_texts import hostile_texts

_PRINTER = """
import sys
from datetime import UTC, datetime
sys.path.insert(0, {folder!r})
from hostile_texts import hostile_texts
from sottovoce.cli.console import Console
from sottovoce.cli.timeline_text import event_text, happening_text, message_text
from sottovoce.client.events import Disconnected, Gap, MemberJoined, ReceivedMessage
at = datetime.now(UTC)
console = Console()
for text in hostile_texts():
    message = ReceivedMessage(
        seq=1, at=at, sender=text, text=text, is_mine=False, device_id=b"", message_id=b"", verified=False
    )
    console.show(message_text(message))
    console.say(happening_text(Gap(seq=1, at=at, count=1, reason=text)))
    console.say(happening_text(MemberJoined(seq=1, at=at, user=text)))
    console.say(event_text(Disconnected(text, 1.0)))
    console.say(text)
"""


def captured_by_a_terminal(script: str) -> bytes:
    """Run a script on a pty and return every byte the terminal got."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=terminal, stdout=terminal, stderr=terminal
    )
    os.close(terminal)
    octets = b""
    try:
        while chunk := os.read(controller, 65536):
            octets += chunk
    except OSError:
        pass  # EIO: the other end is closed, and everything was read
    os.close(controller)
    assert process.wait(60) == 0, octets
    return octets


def test_no_control_of_a_sender_reaches_the_terminal() -> None:
    shown = captured_by_a_terminal(_PRINTER.format(folder=str(Path(__file__).parent.parent / "client")))
    text = shown.decode("utf-8")
    assert text.count("shown") >= 5 * len(hostile_texts())
    controls = {character for character in text if ord(character) < 32 or 127 <= ord(character) < 160}
    assert controls == {"\r", "\n"}
    assert not set(text) & set(
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200e\u200f\ufeff"
    )


def test_without_sanitize_the_same_capture_finds_controls() -> None:
    """The control: what the test above looks for is there when nothing takes it out."""
    assert b"\x1b]52" in captured_by_a_terminal("import sys; sys.stdout.write('\\x1b]52;c;eA==\\x07')")


def message(sender: str, text: str) -> ReceivedMessage:
    from datetime import UTC, datetime

    return ReceivedMessage(
        seq=1,
        at=datetime.now(UTC),
        sender=sender,
        text=text,
        is_mine=False,
        device_id=b"",
        message_id=b"",
        verified=False,
    )


def test_one_message_is_one_line() -> None:
    out = io.StringIO()
    Console(out, io.StringIO()).show(message_text(message("Bob", "Hi everyone!\nAlice: I owe Bob 100")))
    assert out.getvalue() == "Bob: Hi everyone! Alice: I owe Bob 100\n"


def test_a_stream_that_cannot_write_it_gets_question_marks() -> None:
    octets = io.BytesIO()
    stream = io.TextIOWrapper(octets, encoding="ascii", newline="\n")
    Console(stream, stream).show("naïve 👩")
    assert octets.getvalue() == b"na?ve ?\n"


@pytest.mark.parametrize("text", ["", "plain"])
def test_talk_goes_to_standard_error(text: str) -> None:
    out, err = io.StringIO(), io.StringIO()
    Console(out, err).say(text)
    assert (out.getvalue(), err.getvalue()) == ("", text + "\n")
