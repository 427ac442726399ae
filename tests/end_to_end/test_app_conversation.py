"""Two people in two terminals, from the first run to leaving: the app as it is lived with (done when 3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from end_to_end_world import PASSWORD, PATIENCE, World
from terminals import Terminals

from sottovoce.link.invite_link import BadInviteLink, InviteLink

SMALL = (60, 20)
QUEUED = "  …"
STORED = "  ✓"


def link_on(screen: str) -> str:
    """The invite link on a screen, its rows put together as whoever reads it would."""
    rows = [row.strip("│ ▌") for row in screen.splitlines()]
    start = next(at for at, row in enumerate(rows) if row.startswith("sottovoce://"))
    end = next(at for at, row in enumerate(rows[start:], start) if not row or " " in row)
    return "".join(rows[start:end])


def has_whole_link(screen: str) -> bool:
    """Whether the link is there to its end: a screen may be looked at while it is drawn."""
    try:
        InviteLink.parse(link_on(screen), now=0)
    except (StopIteration, BadInviteLink):
        return False
    return True


def digits_on(screen: str) -> list[str]:
    """The twelve groups of a safety number."""
    return re.findall(r"\b\d{5}\b", screen)


class Person:
    """One terminal with the app in it."""

    def __init__(self, terminals: Terminals, name: str, home: Path, size: tuple[int, int]) -> None:
        self._terminals, self.name, self._home, self._size = terminals, name, home, size

    def start(self, *arguments: str) -> None:
        self._terminals.open(self.name, "chat", *arguments, size=self._size, home=self._home)

    def sees(
        self,
        *texts: str,
        gone: str = "",
        holds: Callable[[str], bool] = lambda _: True,
        timeout: float = PATIENCE,
    ) -> str:
        return self._terminals.wait_for(self.name, *texts, gone=gone, holds=holds, timeout=timeout)

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
    link = link_on(alice.sees("You are in", holds=has_whole_link))
    alice.presses("c")
    alice.sees("Copied.")
    assert terminals.clipboard() == link
    alice.presses("Escape")
    alice.sees("online", "lobby", gone="You are in")

    bob.first_run(link)
    bob.sees("You are in")
    bob.presses("Escape")
    bob.sees("online", gone="You are in")
    alice.sees("bob joined")

    bob.types("Hi everyone!")
    alice.sees("Hi everyone!")
    alice.types("Hello Bob, how are you?")
    bob.sees("Hello Bob, how are you?", holds=lambda screen: screen.count("Hi everyone!") == 1)

    a_second_room(alice, bob)
    a_verification(alice, bob)
    a_server_that_was_killed(alice, bob, world)
    leave_a_clean_terminal(terminals, alice, "C-q")
    leave_a_clean_terminal(terminals, bob, *"quit", "Enter")


def a_second_room(alice: Person, bob: Person) -> None:
    alice.presses("F7")
    alice.sees("Make a room")
    alice.types("the plan")
    alice.sees("Write to the plan", "1 member", gone="Make a room")
    alice.presses("F5")
    link = link_on(alice.sees("Invite a friend into", "For one person", holds=has_whole_link))
    alice.presses("Escape")

    bob.presses("F8")
    bob.sees("Enter a room")
    bob.pastes(link)
    bob.presses("Enter")
    bob.sees("Write to the plan", "2 members", gone="Enter a room")
    bob.types("a room of our own")
    alice.sees("a room of our own", "2 members")


def a_verification(alice: Person, bob: Person) -> None:
    """Each looks at the number of the other; both say that it is the same."""
    seen = []
    for one, other in ((alice, bob), (bob, alice)):
        one.types(f"/verify {other.name}")
        title = f"Is this really {other.name}?"
        seen.append(digits_on(one.sees(title, "Same", holds=lambda screen: len(digits_on(screen)) == 12)))
    assert seen[0] == seen[1]
    for one, other in ((alice, bob), (bob, alice)):
        one.presses("Right", "Right", "Enter")
        one.sees(f"{other.name} is verified.", "all verified", gone="Is this really")


def a_server_that_was_killed(alice: Person, bob: Person, world: World) -> None:
    """What was typed meanwhile waits, is marked so, and goes out once and in its order."""
    typed = ["first while away", "second while away"]
    world.server.kill()
    for one in (alice, bob):
        one.sees("offline")
    for text in typed:
        alice.types(text)
    alice.sees(*(text + QUEUED for text in typed))
    world.server.start()
    for one in (alice, bob):
        one.sees("online", *typed)
    alice.sees(*(text + STORED for text in typed))
    bob.types("all of it came")
    alice.sees("all of it came")
    for one in (alice, bob):
        one.sees("all of it came", holds=lambda screen: re.findall(r"\w+ while away", screen) == typed)


def leave_a_clean_terminal(terminals: Terminals, who: Person, *keys: str) -> None:
    """The exit code is 0, the screen is the shell's again, what is typed is echoed, nothing is left on."""
    who.presses(*keys)
    screen = who.sees("left with 0")
    assert "Traceback" not in screen
    assert "all of it came" not in screen
    fresh = f"fresh{who.name}"
    terminals.open_shell(fresh, "exec cat")
    who.pastes("pasted afterwards")
    who.presses("Enter")
    screen = who.sees("pasted afterwards\npasted afterwards")
    assert "200~" not in screen
    assert terminals.modes(who.name) == terminals.modes(fresh)
