"""``sottovoce invite``: a link that brings a friend into a room, and its QR code."""

from __future__ import annotations

import argparse
import asyncio
import io
import shutil
from collections.abc import Sequence
from typing import Final

from sottovoce.cli.account_choice import (
    Account,
    Place,
    add_place_options,
    choose_account,
    find_place,
)
from sottovoce.cli.arguments import room_name, whole_number
from sottovoce.cli.console import Console
from sottovoce.cli.exit_codes import ExitCode
from sottovoce.client.qr_code import qr_code

_DAY: Final = 86400  # seconds
_QR_BORDER: Final = 2  # modules of quiet zone: phones need no more on a screen


def run(arguments: Sequence[str]) -> ExitCode:
    """Make one link; see :class:`sottovoce.cli.main.Command`."""
    options = _parser().parse_args(arguments)
    console = Console()
    place = find_place(options.server, options.home)
    account = choose_account(place, options.user)
    link = asyncio.run(_make_link(options, place, account, console))
    show_link(link, console)
    return ExitCode.OK


def show_link(link: str, console: Console) -> None:
    """Print the link to standard output, and its QR code to standard error if a person is there."""
    if console.out_is_terminal:
        console.draw(_picture(link, shutil.get_terminal_size().columns))
        console.say("Whoever has this link can join: send it to your friend only.")
    console.show(link)


def _picture(link: str, columns: int) -> str:
    """Return the QR code of the link, or a hint where a row of it would be torn in two."""
    code = qr_code(link)
    width, _ = code.symbol_size(border=_QR_BORDER)
    if width > columns:
        return f"Its QR code needs a terminal of {width} columns; this one has {columns}."
    picture = io.StringIO()
    code.terminal(picture, compact=True, border=_QR_BORDER)
    return picture.getvalue()


async def _make_link(options: argparse.Namespace, place: Place, account: Account, console: Console) -> str:
    import sottovoce

    async with sottovoce.connect(
        options.server,
        user=account.user,
        password=account.password,
        home=place.home,
        register=False,
        trace=console.say if options.debug else None,
    ) as me:
        room = None if options.room is None else await me.join(options.room)
        return str(await me.invite(room, expires_in=options.days * _DAY))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sottovoce invite",
        description="Make an invite link for a friend. It leads to the server, proves its key, makes an "
        "account possible, and opens the room. Inside a running chat, use /invite.",
    )
    parser.add_argument(
        "--room", type=room_name, metavar="NAME", help="the room to invite into (default: the lobby)"
    )
    parser.add_argument(
        "--days",
        type=whole_number(1, 30),
        default=7,
        metavar="N",
        help="good for N days, 1 to 30 (default: 7)",
    )
    parser.add_argument(
        "--server", metavar="HOST:PORT", help="which server (default: the one you run on this machine)"
    )
    add_place_options(parser)
    return parser
