"""The app on a terminal of the test's, talking with a real server; people are as in the end-to-end tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sdk_world import World, until
from snapshots import screen_lines
from textual import events
from textual.pilot import Pilot

from sottovoce.client.client import Client
from sottovoce.client.room import Room
from sottovoce.tui import view
from sottovoce.tui.app import SottovoceApp, Start
from sottovoce.tui.chat_screen import ChatScreen
from sottovoce.tui.widgets.timeline import Timeline


@dataclass
class Terminal:
    """One person's app, looked at and typed into."""

    app: SottovoceApp
    pilot: Pilot[object]

    @property
    def chat(self) -> ChatScreen:
        return next(screen for screen in self.app.screen_stack if isinstance(screen, ChatScreen))

    @property
    def text(self) -> str:
        """All that is on the screen."""
        return "\n".join(screen_lines(self.app))

    @property
    def messages(self) -> list[str]:
        lines = self.chat.query_one(Timeline).lines
        return [f"{line.sender}: {line.text}" for line in lines if isinstance(line, view.Message)]

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        await until(holds, f"{what}; the screen:\n{self.text}")
        await self.pilot.pause()

    async def until_shown(self, text: str) -> None:
        """Wait until ``text`` is on the screen, and all that comes with it."""
        try:
            await until(lambda: text in self.text, repr(text))
        except AssertionError as late:
            raise AssertionError(f"{late}; the screen:\n{self.text}") from None
        await self.pilot.pause()

    async def paste(self, text: str) -> None:
        """Paste a text where the cursor is, and press Enter."""
        focused = self.app.focused
        assert focused is not None
        focused.post_message(events.Paste(text))
        await self.pilot.press("enter")

    async def type(self, text: str, *keys: str) -> None:
        """Type a text, then press these keys, Enter if none."""
        await self.pilot.press(*text)
        await self.pilot.press(*(keys or ("enter",)))
        await self.pilot.pause()


@asynccontextmanager
async def terminal(
    world: World,
    name: str,
    *,
    size: tuple[int, int] = (100, 30),
    link: str | None = None,
    home: str | None = None,
    is_in: bool = True,
    notifications: bool = False,
) -> AsyncIterator[Terminal]:
    """The app of a person, whose password is given; ``is_in``: wait until the first room is open."""
    folder = world.folder / (home or name)
    start = Start(link=link or world.invite, user=name, password=f"password of {name}", home=folder)
    app = SottovoceApp(start, folder)
    app.animation_level = "none"
    async with app.run_test(size=size, notifications=notifications) as pilot:
        shown = Terminal(app, pilot)
        if is_in:
            await until(
                lambda: isinstance(app.screen, ChatScreen) and app.screen.room_id is not None, "being in"
            )
            await pilot.pause()
        yield shown


@asynccontextmanager
async def newcomer(
    world: World, name: str, *, size: tuple[int, int] = (100, 30), link: str | None = None
) -> AsyncIterator[Terminal]:
    """The app of a person whose first run it is: everything is asked."""
    folder = world.folder / name
    app = SottovoceApp(Start(link=link, home=folder), folder)
    app.animation_level = "none"
    async with app.run_test(size=size, notifications=True) as pilot:
        yield Terminal(app, pilot)


@asynccontextmanager
async def two_rooms(world: World) -> AsyncIterator[tuple[Terminal, Client, Room]]:
    """Alice's app in the lobby, and Bob, who shares another room with her, the plan."""
    async with terminal(world, "alice", notifications=True) as alice, world.person("bob") as bob:
        await bob.join("lobby")
        plan = await bob.create_room("the plan")
        await alice.until_shown("lobby  2 members")
        await until(lambda: "alice" in {m.user for m in (bob.rooms()[0].members())}, "bob sees alice")
        await plan.add("alice")
        # A notification names it, perhaps before it can be chosen.
        await alice.until(lambda: len(alice.chat.rooms) == 2, "the plan is among the rooms")
        yield alice, bob, plan
