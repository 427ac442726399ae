"""``sottovoce serve``: a server in the foreground. Its address and an invite link go to standard output."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sottovoce.cli.console import Console
from sottovoce.cli.exit_codes import ExitCode
from sottovoce.cli.loading import collector_paused
from sottovoce.server.config import Setting, load_config, settings

if TYPE_CHECKING:
    from sottovoce.server.app import ServerAddress


def run(arguments: Sequence[str]) -> ExitCode:
    """Serve until SIGTERM or Ctrl-C; see :class:`sottovoce.cli.main.Command`."""
    options = vars(_parser().parse_args(arguments))
    config = load_config(options.pop("config"), os.environ, options)
    console = Console()
    with collector_paused():
        from sottovoce.server.app import serve

    def ready(address: ServerAddress) -> None:
        console.show(f"listening on {address.listens_on}")
        console.show(f"invite: {address.invite}")

    serve(config, ready=ready)
    return ExitCode.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sottovoce serve",
        usage="sottovoce serve [--config FILE] [SETTING ...]",
        description="Run a server until Ctrl-C or SIGTERM. It prints `listening on HOST:PORT` and an invite "
        "link.",
        epilog="Each setting can also stand in the --config file (TOML) under its name with underscores, or "
        "in the environment. The file is weakest, then the environment, then the flags.",
        argument_default=None,
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="a TOML file with settings")
    for setting in settings():
        _add(parser, setting)
    return parser


def _add(parser: argparse.ArgumentParser, setting: Setting) -> None:
    default = "" if setting.default in (None, False, ()) else f" Default: {setting.default}."
    explanation = f"{setting.description}{default} [{setting.environment}]".replace("%", "%%")
    if isinstance(setting.default, bool):
        parser.add_argument(setting.flag, action="store_true", default=None, help=explanation)
    else:
        metavar = "NUMBER" if isinstance(setting.default, int | float) else "VALUE"
        parser.add_argument(setting.flag, default=None, metavar=metavar, help=explanation)
