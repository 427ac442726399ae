"""``sottovoce chat``: the app on a terminal; else a room in plain lines, messages on standard output, talk on
standard error.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sottovoce.cli.account_choice import (
    Account,
    Place,
    add_place_options,
    ask_password_again,
    choose_account,
    find_place,
)
from sottovoce.cli.arguments import room_name, whole_number
from sottovoce.cli.chat_commands import ChatCommands
from sottovoce.cli.console import Console
from sottovoce.cli.errors import UsageError
from sottovoce.cli.exit_codes import ExitCode
from sottovoce.cli.input_lines import input_lines
from sottovoce.cli.loading import collector_paused
from sottovoce.cli.prompts import typing_hidden
from sottovoce.cli.room_key import read_room_key
from sottovoce.cli.terminal_app import is_wanted, run_app
from sottovoce.cli.timeline_text import event_text, happening_text, message_text, name_text
from sottovoce.client.command_line import QUIT, ParsedLine, parse_line
from sottovoce.client.errors import KeyChanged, NotInRoom, TextTooLong, WrongPassword
from sottovoce.client.events import Connected, Disconnected, MemberJoined, ReceivedMessage
from sottovoce.client.sanitize import looks_like
from sottovoce.errors import SottovoceError
from sottovoce.link.invite_link import is_invite_link

if TYPE_CHECKING:
    from sottovoce.client.client import Client
    from sottovoce.client.outbox import Delivery
    from sottovoce.client.room import Room

PASSWORD_TRIES: Final = 3
HISTORY: Final = 100
LAST_LINE_DEADLINE: Final = 10.0
"""Seconds that the chat waits, once all is acknowledged, to see its own last line come back in the log."""


def run(arguments: Sequence[str]) -> ExitCode:
    """Chat until the person leaves, or standard input ends; see :class:`sottovoce.cli.main.Command`."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.room is None and (options.new or options.room_key is not None):
        parser.error("--new and --room-key need --room NAME")
    room_key = None if options.room_key is None else read_room_key(options.room_key)
    if is_wanted(options):
        if options.history is not None:
            parser.error("--history is for plain lines: add --plain. The app shows all that is kept here")
        return run_app(options, room_key)
    console = Console()
    place = find_place(options.link, options.home)
    account = choose_account(place, options.user)
    for tries_left in reversed(range(PASSWORD_TRIES)):
        try:
            asyncio.run(_until_terminated(_chat(options, place, account, room_key, console)))
        except WrongPassword as refusal:
            if not account.was_asked or not tries_left:
                raise
            console.say(str(refusal))
            account = ask_password_again(account)
        except asyncio.CancelledError:
            return ExitCode.TERMINATED
        else:
            break
    return ExitCode.OK


async def _until_terminated(work: Coroutine[None, None, None]) -> None:
    """Do ``work``; SIGTERM cancels it, so that the terminal is given back and the store closed."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await task


async def _chat(
    options: argparse.Namespace, place: Place, account: Account, room_key: bytes | None, console: Console
) -> None:
    with collector_paused():
        from sottovoce import connect

    async with contextlib.AsyncExitStack() as stack:
        with contextlib.ExitStack() as waiting:
            if account.was_asked:
                console.say(f"Entering as {name_text(account.user)} ...")
                waiting.enter_context(typing_hidden())
            me = await stack.enter_async_context(
                connect(
                    options.link,
                    user=account.user,
                    password=account.password,
                    home=place.home,
                    trace=console.say if options.debug else None,
                )
            )
            news = asyncio.create_task(_tell_events(me, console))
            stack.callback(news.cancel)
            room = await _enter(me, options, room_key)
        console.say(f"you are in {name_text(room.name)} as {name_text(me.user)} (/help lists the commands)")
        history = HISTORY if options.history is None else options.history
        await Chat(me, room, console, history).run(news)


async def _enter(me: Client, options: argparse.Namespace, room_key: bytes | None) -> Room:
    if options.new:
        if any(room.name == options.room for room in me.rooms()):
            raise UsageError(f"You are in a room named {options.room} already: leave out --new to enter it.")
        return await me.create_room(options.room)
    if options.room is not None:
        return await me.join(options.room, room_key=room_key)
    if options.link is not None and is_invite_link(options.link):
        return await me.join(options.link)
    return await me.join("lobby")


async def _tell_events(client: Client, console: Console) -> None:
    """Say what happens to the connection; what is still so is not said again with each try."""
    is_offline = False
    said = None
    async for event in client.events():
        text = event_text(event)
        is_known = text == said or (is_offline and isinstance(event, Disconnected))
        if isinstance(event, Connected | Disconnected):
            is_offline = isinstance(event, Disconnected)
        if text is not None and not is_known:
            said = text
            console.say(text)


class Chat:
    """One person, or one pipe, in one room; ``history``: how many log entries of before to show."""

    def __init__(self, client: Client, room: Room, console: Console, history: int) -> None:
        self._client: Final = client
        self._room: Final = room
        self._console: Final = console
        self._commands: Final = ChatCommands(client, room, console)
        self._after: Final = max(0, room.seq - history)
        self._last: Delivery | None = None
        self._shown = 0  # the newest seq on the screen
        self._progress: Final = asyncio.Condition()

    async def run(self, news: asyncio.Task[None]) -> None:
        """Print what comes and send what is typed, until that ends; ``news`` runs beside it.

        Whatever ends it, every line before is sent and acknowledged first. Ctrl-C alone does not wait:
        what is unsent then stays in the outbox and goes out with the next start.
        """
        others = [asyncio.create_task(self._print_timeline()), news]
        leave = asyncio.create_task(self._send_input())
        try:
            await self._watch(leave, others)
        except asyncio.CancelledError:
            self._tell_unsent()
            raise
        finally:
            for task in (leave, *others):
                task.cancel()
            await asyncio.gather(leave, *others, return_exceptions=True)

    async def _watch(self, leave: asyncio.Task[None], others: list[asyncio.Task[None]]) -> None:
        """Return when ``leave`` is done; raise as soon as any of them does."""
        running = {leave, *others}
        while leave in running:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()

    async def _send_input(self) -> None:
        refusal: SottovoceError | None = None
        try:
            with contextlib.ExitStack() as terminal:
                async for line in self._lines(terminal):
                    meant = parse_line(line)
                    if meant.command == QUIT:
                        break
                    await self._take(meant)
                    if self._commands.has_left:
                        return
        except SottovoceError as error:
            refusal = error
        await self._finish()
        if refusal is not None:
            raise refusal

    def _lines(self, terminal: contextlib.ExitStack) -> AsyncIterator[str]:
        if sys.stdin.isatty() and self._console.out_is_terminal:
            from sottovoce.cli.line_editor import LineEditor

            return terminal.enter_context(LineEditor(self._console)).lines()
        return input_lines(sys.stdin.fileno())

    async def _take(self, meant: ParsedLine) -> None:
        if meant.command is not None:
            await self._commands.run(meant.command, meant.argument)
        elif meant.text and (meant.text.strip() or not sys.stdin.isatty()):
            try:
                self._last = await self._room.send(meant.text)
            except (TextTooLong, KeyChanged) as refusal:
                if not sys.stdin.isatty():
                    raise
                self._console.say(str(refusal))

    async def _finish(self) -> None:
        """Wait until all that was typed is acknowledged, and shown at its place in the log."""
        if self._last is None:
            return
        if not self._client.is_online:
            self._console.say(
                "The server is away: waiting until it has your last lines. Ctrl-C leaves; they are kept "
                "and go out the next time you chat."
            )
        await self._room.flush()
        seq = await self._last.stored()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_LINE_DEADLINE), self._progress:
                await self._progress.wait_for(lambda: self._shown >= seq)

    async def _print_timeline(self) -> None:
        async for item in self._room.timeline(after=self._after):
            if isinstance(item, ReceivedMessage):
                self._console.show(message_text(item))
            elif text := happening_text(item):
                self._console.say(text)
            if isinstance(item, MemberJoined):
                self._warn_of_look_alike(item.user)
            async with self._progress:
                self._shown = max(self._shown, item.seq)
                self._progress.notify_all()
        if not self._commands.has_left:
            raise NotInRoom(self._room.name)  # a timeline has no other end while the client is open

    def _warn_of_look_alike(self, user: str) -> None:
        other = looks_like(user, (member.user for member in self._room.members()))
        if other is not None:
            self._console.say(
                f"careful: {name_text(user)} and {name_text(other)} are two people with similar names"
            )

    def _tell_unsent(self) -> None:
        if self._last is not None and not self._last.is_stored:
            self._console.say(
                "Left before the server had your last lines: they are kept and go out the next time."
            )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sottovoce chat",
        description="Talk in rooms. On a terminal this opens the app. Otherwise, and with --plain, standard "
        "input is sent line by line until `quit` or its end, and every message comes as one line, "
        "`Bob: Hi everyone!`, on standard output.",
        epilog="In a chat: /help, /who, /why, /verify NAME, /invite. The environment's SOTTOVOCE_PASSWORD "
        "answers for the password.",
    )
    parser.add_argument(
        "link",
        nargs="?",
        metavar="LINK | HOST:PORT",
        help="an invite link, or a server (default: the one you run on this machine)",
    )
    parser.add_argument(
        "--room", type=room_name, metavar="NAME", help="which room (default: the link's, or the lobby)"
    )
    parser.add_argument(
        "--new", action="store_true", help="make the room; its members come by /invite and /add"
    )
    parser.add_argument(
        "--room-key", type=Path, metavar="FILE", help="make or join --room with the key of `sottovoce keygen`"
    )
    parser.add_argument(
        "--history",
        type=whole_number(0),
        metavar="N",
        help=f"in plain lines: show the last N entries of the room's log before now (default: {HISTORY})",
    )
    parser.add_argument(
        "--plain",
        action="store_true",
        help="plain lines instead of the app: best for screen readers, and what pipes get anyway",
    )
    add_place_options(parser)
    return parser
