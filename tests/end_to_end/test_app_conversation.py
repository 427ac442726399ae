"""Two people in two terminals, from the first run to leaving: the app as it is lived with (done when 3)."""

from __future__ import annotations

import re
from pathlib import Path

from end_to_end_world import PASSWORD, World
from terminals import Terminals

SMALL = (60, 20)


def link_on(screen: str) -> str:
    """The invite link on a screen, its rows put together as whoever reads it would."""
    rows = [row.strip("│ ▌") for row in screen.splitlines()]
    start = next(at for at, row in enumerate(rows) if row.startswith("sottovoce://"))
    end = next(at for at, row in enumerate(rows[start:], start) if not row or " " in row)
    return "".join(rows[start:end])


def digits_on(screen: str) -> list[str]:
    """The twelve groups of a safety number."""
    return re.findall(r"(?<!\d)\d{5}(?!\d)", screen)


class Person:
    """One terminal with the app in it."""

    def __init__(self, terminals: Terminals, name: str, home: Path, size: tuple[int, int]) -> None:
        self._terminals, self.name, self._home, self._size = terminals, name, home, size

    def start(self, *arguments: str) -> None:
        self._terminals.open(self.name, "chat", *arguments, size=self._size, home=self._home)

    def sees(self, *texts: str, gone: str = "", timeout: float = 30) -> str:
        return self._terminals.wait_for(self.name, *texts, gone=gone, timeout=timeout)

    def types(self, text: str, *keys: str) -> None:
        self._terminals.type(self.name, text, *keys)

    def presses(self, *keys: str) -> None:
        self._terminals.press(self.name, *keys)

    def pastes(self, text: str) -> None:
        self._terminals.paste(self.name, text)

    def first_run(self, link: str) -> None:
        """Server, account, and what one's friends need: the three screens."""
        self.start()
        self.sees("Welcome to Sottovoce")
        self.pastes(link)
        self.sees("An invitation into")
        self.presses("Enter")
        self.sees("Your account on", "Once more")
        for text in (self.name, PASSWORD, PASSWORD):
            self.types(text)


def test_two_people_meet_talk_verify_and_outlive_the_server(
    terminals: Terminals, world: World, tmp_path: Path
) -> None:
    alice = Person(terminals, "alice", tmp_path / "alice", (100, 30))
    bob = Person(terminals, "bob", tmp_path / "bob", SMALL)

    alice.first_run(world.server.link)
    link = link_on(alice.sees("You are in", "sottovoce://", timeout=60))
    alice.presses("c")
    alice.sees("Copied.")
    assert terminals.clipboard() == link
    alice.presses("Escape")
    alice.sees("online", "lobby", gone="You are in")

    bob.first_run(link)
    bob.sees("You are in", timeout=60)
    bob.presses("Escape")
    bob.sees("online", gone="You are in")
    alice.sees("bob joined")

    bob.types("Hi everyone!")
    alice.sees("Hi everyone!")
    alice.types("Hello Bob, how are you?")
    screen = bob.sees("Hello Bob, how are you?")
    assert screen.count("Hi everyone!") == 1
