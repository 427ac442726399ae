import os
import re
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sottovoce.cli.exit_codes import ExitCode
from sottovoce.link.invite_link import InviteLink
from sottovoce.server.config import ENVIRONMENT_PREFIX, Setting, load_config, settings

PAGE = (Path(__file__).parents[2] / "docs" / "serve.md").read_text(encoding="utf-8")

Serve = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "sottovoce.cli.main", "serve", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "SOTTOVOCE_RUNTIME_DIR": str(tmp_path / "runtime"), **environment},
        )
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def refusal(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=60)
    assert out == ""
    assert "Traceback" not in err
    said = [text for text in err.splitlines() if text.startswith("sottovoce: ")]
    assert len(said) == 1, err
    return process.returncode, said[0]


def test_it_listens_invites_and_stops_when_told(serve: Serve, tmp_path: Path) -> None:
    process = serve("--data", str(tmp_path / "data"), "--port", "0")
    listening, invite = line(process), line(process)
    host, _, port = listening.removeprefix("listening on ").rpartition(":")
    link = InviteLink.parse(invite.removeprefix("invite: "), now=0)
    assert (link.host, str(link.port), link.room_name) == (host, port, "lobby")
    assert host == "127.0.0.1"
    with socket.create_connection((host, int(port)), timeout=60):
        pass
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


def test_what_it_listens_on_is_not_what_invite_links_give(serve: Serve, tmp_path: Path) -> None:
    process = serve(
        "--data", str(tmp_path / "data"), "--port", "0", "--host", "0.0.0.0", "--public-host", "chat.example"
    )
    listening, invite = line(process), line(process)
    link = InviteLink.parse(invite.removeprefix("invite: "), now=0)
    assert (link.host, listening) == ("chat.example", f"listening on 0.0.0.0:{link.port}")


def test_ctrl_c_is_a_graceful_stop_too(serve: Serve, tmp_path: Path) -> None:
    process = serve("--data", str(tmp_path / "data"), "--port", "0")
    line(process)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0


def test_flags_beat_the_environment_and_that_the_file(serve: Serve, tmp_path: Path) -> None:
    config = tmp_path / "server.toml"
    config.write_text(f'data = "{tmp_path / "data"}"\nport = 1\nhost = "192.0.2.1"\n')
    process = serve("--config", str(config), "--port", "0", SOTTOVOCE_HOST="127.0.0.1", SOTTOVOCE_PORT="2")
    assert line(process).startswith("listening on 127.0.0.1:")


class TestRefusals:
    def test_a_port_in_use(self, serve: Serve, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            code, said = refusal(serve("--data", str(tmp_path / "data"), "--port", port))
        assert code == ExitCode.PORT_IN_USE
        assert "--port" in said

    def test_a_data_directory_that_cannot_be(self, serve: Serve, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        code, said = refusal(serve("--data", str(tmp_path / "file" / "data"), "--port", "0"))
        assert code == ExitCode.DATA_UNWRITABLE
        assert "--data" in said

    def test_a_data_directory_that_is_damaged(self, serve: Serve, tmp_path: Path) -> None:
        first = serve("--data", str(tmp_path / "data"), "--port", "0")
        line(first)
        first.send_signal(signal.SIGTERM)
        assert first.wait(60) == 0
        first.communicate()
        (database,) = [path for path in (tmp_path / "data").iterdir() if path.suffix in {".db", ".sqlite"}]
        database.write_bytes(b"not a database" * 1000)
        code, said = refusal(serve("--data", str(tmp_path / "data"), "--port", "0"))
        assert code == ExitCode.DATA_DAMAGED
        assert "backup" in said
        assert database.read_bytes() == b"not a database" * 1000

    def test_a_second_server_on_the_same_data(self, serve: Serve, tmp_path: Path) -> None:
        line(serve("--data", str(tmp_path / "data"), "--port", "0"))
        code, _ = refusal(serve("--data", str(tmp_path / "data"), "--port", "0"))
        assert code == ExitCode.PROFILE_IN_USE

    @pytest.mark.parametrize(
        "arguments",
        [("--port", "x"), ("--port", "70000"), ("--registration", "maybe"), ("--config", "/nowhere/x")],
    )
    def test_a_setting_that_is_not_right(self, serve: Serve, arguments: tuple[str, str]) -> None:
        code, said = refusal(serve(*arguments))
        assert code == ExitCode.USAGE
        assert said


def documented(setting: Setting) -> str:
    default = str(setting.default)
    if setting.name == "data":
        default = "~/.local/share/sottovoce/server"  # where XDG_DATA_HOME says nothing else
    elif setting.default in (None, ()):
        return f"| `{setting.name}` | | {setting.description} |"
    return f"| `{setting.name}` | `{default.replace('False', 'false')}` | {setting.description} |"


class TestPage:
    """docs/serve.md: what it says is so, and what it shows runs."""

    def test_it_has_every_setting_with_its_default_and_no_other(self) -> None:
        table = PAGE.partition("| setting | default | meaning |")[2].partition("\n## ")[0]
        assert re.findall(r"^\| `.*", table, re.MULTILINE) == [documented(setting) for setting in settings()]
        assert all(setting.environment == ENVIRONMENT_PREFIX + setting.name.upper() for setting in settings())

    def test_its_configuration_loads(self, tmp_path: Path) -> None:
        (toml,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
        (tmp_path / "server.toml").write_text(toml)
        config = load_config(tmp_path / "server.toml", {}, {})
        assert config.retention_days == tomllib.loads(toml)["retention_days"] == 14
        assert config.deny == ("192.168.66.0/24",)

    def test_its_backup_is_taken_from_a_running_server_and_starts(self, serve: Serve, tmp_path: Path) -> None:
        running = serve("--data", str(tmp_path / "data"), "--port", "0")
        line(running)
        pin = InviteLink.parse(line(running).removeprefix("invite: "), now=0).server_pin
        (tmp_path / "backup").mkdir()
        (script,) = re.findall(r"<<'EOF'\n(.*?)EOF\n", PAGE, re.DOTALL)
        subprocess.run(
            [sys.executable, "-", str(tmp_path / "data"), str(tmp_path / "backup")],
            input=script, text=True, check=True,
        )  # fmt: skip
        restored = serve("--data", str(tmp_path / "backup"), "--port", "0")
        line(restored)
        assert InviteLink.parse(line(restored).removeprefix("invite: "), now=0).server_pin == pin

    def test_every_exit_code_that_systemd_must_know_is_one(self) -> None:
        (codes,) = re.findall(r"RestartPreventExitStatus=(.*)", PAGE)
        assert {ExitCode(int(code)) for code in codes.split()} == {
            ExitCode.USAGE, ExitCode.DATA_DAMAGED, ExitCode.TLS_FILES,
        }  # fmt: skip
