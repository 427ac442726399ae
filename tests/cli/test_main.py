import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from sottovoce.cli import main as module
from sottovoce.cli.exit_codes import ExitCode
from sottovoce.client.errors import NoLocalServer, UnknownRoom, WrongPassword

SECRET = "hunter2-canary"
COMMAND = [sys.executable, "-m", "sottovoce.cli.main", "--help"]


def command(error: BaseException | None) -> SimpleNamespace:
    def run(_: Sequence[str]) -> ExitCode:
        if error is not None:
            raise error
        return ExitCode.OK

    return SimpleNamespace(run=run)


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert module.main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in module.COMMANDS)


def test_no_command_is_a_usage_error_with_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert module.main([]) == ExitCode.USAGE
    assert "sottovoce serve" in capsys.readouterr().out


def test_an_unknown_command_is_told_harmlessly(capsys: pytest.CaptureFixture[str]) -> None:
    assert module.main(["\x1b]52;c;x\x07chta"]) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "\x1b" not in shown.err
    assert "--help" in shown.err


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (None, 0, ""),
        (NoLocalServer(), 10, "sottovoce serve"),
        (WrongPassword("\x1b[31mbob"), 11, "the password is wrong"),
        (UnknownRoom("tea\nsottovoce: all is well"), 25, "tea sottovoce: all is well"),
        (KeyboardInterrupt(), 130, ""),
        (SystemExit(2), 2, ""),
        (ZeroDivisionError(SECRET), 1, "this is a bug in Sottovoce (ZeroDivisionError at run"),
    ],
)
def test_every_failure_is_one_sentence_and_a_code(
    error: BaseException | None,
    code: int,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(module, "import_module", lambda _: command(error))
    assert module.main(["chat"]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert sentence in shown.err
    assert len(shown.err.splitlines()) == (1 if sentence else 0)
    for never in ("Traceback", "\x1b", SECRET):
        assert never not in shown.err


def test_debug_shows_where_a_bug_happened_and_no_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "import_module", lambda _: command(ValueError(SECRET)))
    assert module.main(["chat", "--debug"]) == 1
    shown = capsys.readouterr().err
    assert "test_main.py:" in shown
    assert SECRET not in shown


def processor_time(*arguments: str) -> float:
    """The seconds that a Python process keeps the processor busy."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def test_help_is_there_at_once() -> None:
    """It costs about twice what Python itself does, which both are the best of five of: asyncio alone would
    cost twice as much. So neither a slow machine matters nor a busy one.
    """
    turns = [
        (processor_time("-c", ""), processor_time("-m", "sottovoce.cli.main", "--help")) for _ in range(5)
    ]
    assert min(shown for _, shown in turns) < 4 * min(bare for bare, _ in turns)


def test_help_imports_no_room_of_the_house() -> None:
    rooms = "('sottovoce.c', 'cryptography', 'msgspec', 'asyncio')"
    script = (
        "import sys; from sottovoce.cli.main import main; main(['--help']);"
        f"print([name for name in sys.modules if name.startswith({rooms})])"
    )
    shown = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert shown.splitlines()[-1] == "['sottovoce.cli', 'sottovoce.cli.exit_codes', 'sottovoce.cli.main']"


@pytest.mark.parametrize("name", module.COMMANDS)
def test_each_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert module.main([name, "--help"]) == 0
    assert f"usage: sottovoce {name}" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["keygen"], ["--version"], ["--help"]])
def test_a_reader_that_went_away_ends_it_quietly(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "sottovoce.cli.main", *arguments]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert done.returncode == ExitCode.BROKEN_PIPE
    assert done.stderr == b""


def test_a_failure_that_nobody_hears_of_ends_it_quietly(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "sottovoce.cli.main", "invite", "--home", str(tmp_path)]
    alone = {**os.environ, "SOTTOVOCE_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=writer, env=alone, check=False)
    os.close(writer)
    assert done.returncode == ExitCode.BROKEN_PIPE
    assert done.stdout == b""


@pytest.mark.parametrize("stream", [0, 1, 2])
def test_a_stream_that_is_closed_from_the_start_does_no_harm(stream: int) -> None:
    """``>&-``: nothing that is opened later gets its number, and it is no bug."""
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {stream}>&-', "sh", sys.executable, "-m", "sottovoce.cli.main", "keygen"],
        capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"" if stream == 1 else b"SVK1")


def test_output_that_cannot_be_written_has_its_code() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "sottovoce.cli.main", "keygen"],
            stdout=full, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
    assert done.returncode == ExitCode.OUTPUT_LOST
    assert done.stderr.startswith(b"sottovoce: Standard output cannot be written (No space left")
    assert len(done.stderr.splitlines()) == 1


def test_talk_that_cannot_be_written_changes_nothing() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "sottovoce.cli.main", "nonsense"], stderr=full, check=False
        )
    assert done.returncode == ExitCode.USAGE


def test_a_file_that_this_machine_refuses_is_no_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = PermissionError(13, "Permission denied", "/root/\x1b[2Jx")
    monkeypatch.setattr(module, "import_module", lambda _: command(refusal))
    assert module.main(["chat"]) == ExitCode.DATA_UNWRITABLE
    assert capsys.readouterr().err.startswith("sottovoce: /root/x cannot be used (Permission denied).")


@pytest.mark.parametrize("name", module.COMMANDS)
def test_every_command_runs_without_core_dumps(name: str) -> None:
    """A crash must not write keys to the disk; the limit is of the process, so a child is looked at."""
    code = (
        "import resource\n"
        "from types import SimpleNamespace\n"
        "from sottovoce.cli import main as module\n"
        "show = lambda _: print(*resource.getrlimit(resource.RLIMIT_CORE)) or 0\n"
        "module._load = lambda name: SimpleNamespace(run=show)\n"
        "most = resource.getrlimit(resource.RLIMIT_CORE)[1]\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (most, most))\n"
        f"module.main([{name!r}])\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown == "0 0\n"
