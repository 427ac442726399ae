"""The chat as a process, at a real server: a good filter, and a sentence and a code for every failure."""

import contextlib
import io
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sottovoce.cli.chat import _tell_events
from sottovoce.cli.console import Console
from sottovoce.cli.exit_codes import ExitCode
from sottovoce.client.content import MAX_TEXT_LENGTH
from sottovoce.client.events import ClientEvent, Connected, Disconnected, RoomTrouble

sys.path.insert(0, str(Path(__file__).parent.parent / "client"))
from hostile_texts import hostile_texts

COMMAND = [sys.executable, "-m", "sottovoce.cli.main"]


class Here:
    """One server, and people with a home each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "SOTTOVOCE_RUNTIME_DIR": str(folder / "runtime"),
            "SOTTOVOCE_PASSWORD": "correct horse",
        }
        self.port = "0"
        self.start()

    def start(self) -> None:
        arguments = ["serve", "--data", str(self.folder / "data"), "--port", self.port]
        self.server = subprocess.Popen(
            [*COMMAND, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=self.environment,
        )
        assert self.server.stdout is not None
        self.port = self.server.stdout.readline().strip().rpartition(":")[2]
        self.link = self.server.stdout.readline().removeprefix("invite: ").strip()

    def stop(self) -> None:
        self.server.terminate()
        self.server.wait(60)
        assert self.server.stdout is not None
        self.server.stdout.close()

    def popen(self, user: str, *arguments: str, command: str = "chat") -> subprocess.Popen[bytes]:
        home = ["--user", user, "--home", str(self.folder / "homes" / user)]
        return subprocess.Popen(
            [*COMMAND, command, *home, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment,
            start_new_session=True,  # no terminal to ask
        )  # fmt: skip

    def run(
        self, user: str, *arguments: str, said: bytes = b"", command: str = "chat"
    ) -> tuple[int, list[str], str]:
        process = self.popen(user, *arguments, command=command)
        out, err = process.communicate(said, timeout=180)
        assert b"Traceback" not in err
        return process.returncode, out.decode().splitlines(), err.decode()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    place = Here(tmp_path_factory.mktemp("chat"))
    yield place
    place.stop()


class TestFilter:
    def test_everything_read_is_sent_acknowledged_and_shown_in_order(self, here: Here) -> None:
        lines = [f"line {n}" for n in range(300)] + ["/var/log/x", "no newline at the end"]
        code, out, _ = here.run("filter", said="\n".join(lines).encode())
        assert code == 0
        assert out == [f"filter: {line}" for line in lines]

    def test_a_blank_line_is_sent_too(self, here: Here) -> None:
        code, out, _ = here.run("blank", said=b"one\n \ntwo\n")
        assert code == 0
        assert [line for line in out if line.startswith("blank:")] == ["blank: one", "blank:  ", "blank: two"]

    def test_quit_leaves_and_what_follows_is_not_sent(self, here: Here) -> None:
        code, out, _ = here.run("quitter", said=b"bye\nquit\nnot this\n")
        assert code == 0
        assert "quitter: bye" in out
        assert "quitter: not this" not in out

    def test_commands_answer_on_standard_error_and_are_not_sent(self, here: Here) -> None:
        code, out, err = here.run("asker", said=b"/help\n/who\n/why\n/dance\n//dance\n/verify asker\n")
        assert code == 0
        assert [line for line in out if line.startswith("asker:")] == ["asker: /dance"]
        assert "/verify NAME done" in err
        assert "asker (1 device" in err
        assert "no command /dance" in err


class TestRefusals:
    def test_what_is_not_utf8_has_its_code_and_the_lines_before_are_sent(self, here: Here) -> None:
        code, out, err = here.run("latin", said=b"before\n\xff\xfe\nafter\n")
        assert code == ExitCode.NOT_UTF8
        assert "latin: before" in out
        assert not any("after" in line for line in out)
        assert "Line 2 of standard input is not UTF-8" in err

    def test_a_line_of_a_megabyte_has_its_code_and_nothing_of_it_is_sent(self, here: Here) -> None:
        code, out, err = here.run("long", said=b"before\n" + b"x" * 2**20 + b"\nafter\n")
        assert code == ExitCode.LINE_TOO_LONG
        assert [line for line in out if line.startswith("long:")] == ["long: before"]
        assert f"longer than the {MAX_TEXT_LENGTH} bytes" in err

    def test_the_longest_line_passes(self, here: Here) -> None:
        code, out, _ = here.run("longest", said=b"x" * MAX_TEXT_LENGTH + b"\n")
        assert code == 0
        assert out[-1] == "longest: " + "x" * MAX_TEXT_LENGTH

    def test_a_wrong_password(self, here: Here) -> None:
        assert here.run("owner", said=b"quit\n")[0] == 0
        here.environment["SOTTOVOCE_PASSWORD"] = "something else"
        try:
            code, out, err = here.run("owner")
            assert (code, out) == (ExitCode.LOGIN_REFUSED, [])
            assert "password is wrong" in err
            assert "something else" not in err
            elsewhere = ["--home", str(here.folder / "elsewhere")]
            code, _, _ = here.run("owner", *elsewhere)
            assert code == ExitCode.NAME_TAKEN, "with a link one makes an account there"
        finally:
            here.environment["SOTTOVOCE_PASSWORD"] = "correct horse"

    def test_a_profile_in_use(self, here: Here) -> None:
        first = here.popen("busy")
        assert first.stdin is not None
        assert first.stdout is not None
        first.stdin.write(b"here\n")
        first.stdin.flush()
        while b"busy: here" not in first.stdout.readline():
            pass
        for command in ("chat", "invite"):
            code, _, err = here.run("busy", command=command)
            assert code == ExitCode.PROFILE_IN_USE
            assert "/invite" in err
        assert first.communicate(timeout=60) is not None
        assert first.returncode == 0

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            (["sottovoce://127.0.0.1:1/lobby#AAAA"], ExitCode.BAD_LINK),
            (["127.0.0.1:1"], ExitCode.SERVER_NOT_REACHABLE),
            (["--room", "nowhere"], ExitCode.UNKNOWN_ROOM),
            (["--new"], ExitCode.USAGE),
            (["--room", "x", "--room-key", "/nowhere"], ExitCode.BAD_ROOM_KEY),
            (["--bogus"], ExitCode.USAGE),
        ],
    )
    def test_each_has_its_code(self, here: Here, arguments: list[str], expected: ExitCode) -> None:
        code, out, err = here.run("somebody", *arguments)
        assert (code, out) == (expected, [])
        assert err

    def test_no_server_here(self, here: Here, tmp_path: Path) -> None:
        environment = {**here.environment, "SOTTOVOCE_RUNTIME_DIR": str(tmp_path)}
        done = subprocess.run(
            [*COMMAND, "chat", "--user", "x"], env=environment, capture_output=True, check=False
        )
        assert done.returncode == ExitCode.SERVER_NOT_REACHABLE
        assert b"sottovoce serve" in done.stderr

    def test_nobody_to_ask_for_a_name_or_a_password(self, here: Here, tmp_path: Path) -> None:
        environment = {**here.environment, "SOTTOVOCE_HOME": str(tmp_path)}
        del environment["SOTTOVOCE_PASSWORD"]
        for arguments, hint in ((["chat"], b"--user"), (["chat", "--user", "x"], b"SOTTOVOCE_PASSWORD")):
            done = subprocess.run(
                [*COMMAND, *arguments],
                env=environment,
                capture_output=True,
                check=False,
                start_new_session=True,
            )
            assert done.returncode == ExitCode.USAGE
            assert hint in done.stderr


class TestRoomsAndLinks:
    def test_a_new_room_an_invitation_and_a_friend(self, here: Here) -> None:
        code, out, _ = here.run("hostess", "--room", "garden", "--new", said=b"/invite\nquit\n")
        assert code == 0
        (link,) = out
        assert link.startswith(f"sottovoce://127.0.0.1:{here.port}/garden#")
        code, out, err = here.run("friend", link, said=b"hello garden\n")
        assert code == 0
        assert err.index("made the account friend") < err.index("you are in garden")
        assert "you are in garden" in err
        code, out, _ = here.run("hostess", "--room", "garden", said=b"quit\n")
        assert code == 0
        code, out, err = here.run("hostess", "--room", "garden", "--new")
        assert (code, out) == (ExitCode.USAGE, [])
        assert "leave out --new" in err

    def test_invite_prints_the_link_alone(self, here: Here) -> None:
        assert here.run("inviter", said=b"quit\n")[0] == 0
        code, out, err = here.run("inviter", command="invite")
        assert code == 0
        assert len(out) == 1
        assert out[0].startswith("sottovoce://")
        assert "█" not in err

    def test_two_with_a_key_meet(self, here: Here, tmp_path: Path) -> None:
        key = tmp_path / "key"
        subprocess.run([*COMMAND, "keygen", "--out", str(key)], check=True, capture_output=True)
        arguments = ["--room", "plans", "--room-key", str(key)]
        first = here.popen("keyed1", *arguments)
        assert first.stdin is not None
        assert first.stdout is not None
        first.stdin.write(b"waiting\n")
        first.stdin.flush()
        while b"keyed1: waiting" not in first.stdout.readline():
            pass
        code, out, _ = here.run("keyed2", *arguments, said=b"found you\n")
        assert code == 0
        assert out == ["keyed2: found you"]
        while b"keyed2: found you" not in first.stdout.readline():
            pass
        first.communicate(timeout=60)
        assert first.returncode == 0


def test_no_control_of_a_member_reaches_anothers_terminal(here: Here) -> None:
    """Threat E1, the whole way: typed by one process, through the server, onto the other's terminal."""
    controller, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    home = ["--user", "victim", "--home", str(here.folder / "homes" / "victim")]
    victim = subprocess.Popen(
        [*COMMAND, "chat", "--plain", *home],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=here.environment,
    )
    os.close(terminal)
    shown = b""
    while b"you are in lobby" not in shown:
        shown += os.read(controller, 65536)
    hostile = [text for text in hostile_texts() if "\n" not in text and "\r" not in text]
    lines = "\n".join([*(text.encode("utf-8", "replace").decode() for text in hostile), "the end"]) + "\n"
    assert here.run("attacker", said=lines.encode())[0] == 0
    while b"attacker: the end" not in shown:
        shown += os.read(controller, 65536)
    os.write(controller, b"quit\n")
    with contextlib.suppress(OSError):  # EIO: the other end is closed
        while chunk := os.read(controller, 65536):
            shown += chunk
    os.close(controller)
    assert victim.wait(60) == 0
    text = shown.decode().replace("\r\x1b[2K", "")  # the line editor's own, the only one there is
    assert text.count("attacker: ") == len(hostile) + 1
    assert {character for character in text if ord(character) < 32 or 127 <= ord(character) < 160} == {
        "\r",
        "\n",
    }


async def test_an_outage_is_said_once_however_often_the_server_is_tried() -> None:
    class ClientDouble:
        async def events(self) -> AsyncIterator[ClientEvent]:
            away = Disconnected("Gone.", 1.0)
            trouble = RoomTrouble("lobby", "It is older.")
            connected = Connected("h:1")
            for event in (connected, away, away, away, connected, away, connected, trouble, trouble):
                yield event

    err = io.StringIO()
    await _tell_events(ClientDouble(), Console(io.StringIO(), err))  # type: ignore[arg-type]
    assert [line.split()[0] for line in err.getvalue().splitlines()] == [
        "connected", "offline:", "connected", "offline:", "connected", "trouble",
    ]  # fmt: skip


def test_sigterm_ends_it_in_order(here: Here) -> None:
    process = here.popen("ended")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"here\n")
    process.stdin.flush()
    while b"ended: here" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == ExitCode.TERMINATED
    assert b"Traceback" not in err


def test_a_server_that_is_away_is_waited_for_and_ctrl_c_keeps_the_lines(here: Here) -> None:
    assert here.run("patient", said=b"before\n")[0] == 0
    here.stop()
    try:
        process = here.popen("patient", here.link)
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(b"kept\n")
        process.stdin.close()
        said = b""
        while b"waiting until it has your last lines" not in said:
            chunk = process.stderr.readline()
            assert chunk, said
            said += chunk
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(60) == ExitCode.INTERRUPTED
        assert b"go out the next time" in rest
        assert b"Traceback" not in said + rest
        assert process.stdout is not None
        process.stdout.close()
        process.stderr.close()
    finally:
        here.start()
    code, out, _ = here.run("patient", said=b"after\n")
    assert code == 0
    assert [line for line in out if line.startswith("patient:")] == [
        "patient: before",
        "patient: kept",
        "patient: after",
    ]
