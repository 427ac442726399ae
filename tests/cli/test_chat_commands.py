import io

import pytest

from sottovoce.cli.chat_commands import HELP, ChatCommands
from sottovoce.cli.console import Console
from sottovoce.client.errors import NotInRoom, UnknownUser
from sottovoce.client.events import Explanation, RoomMember


class RoomDouble:
    name = "tea"

    def __init__(self) -> None:
        self.verified: list[str] = []
        self.explanations: list[Explanation] = []
        self.changed = ""
        self.is_member = True

    def has_changed_key(self, user: str) -> bool:
        return user == self.changed

    async def leave(self) -> None:
        if not self.is_member:
            raise NotInRoom(self.name)

    def members(self) -> list[RoomMember]:
        me = RoomMember("Alice", 1, True, bytes(32))
        return [me, RoomMember("Bob", 2, True, bytes(32)), RoomMember("Eve\x1b[2J", 1, False, bytes(32))]

    def explain(self) -> list[Explanation]:
        return self.explanations

    def safety_number(self, user: str) -> str:
        if user != "Bob":
            raise UnknownUser(user)
        return " ".join(f"{n:05d}" for n in range(12))

    async def verify(self, user: str) -> None:
        self.verified.append(user)


class ClientDouble:
    user = "alice"

    async def invite(self, _: object) -> str:
        return "sottovoce://h:1/x#y"


@pytest.fixture
def chat() -> tuple[ChatCommands, RoomDouble, io.StringIO, io.StringIO]:
    out, err = io.StringIO(), io.StringIO()
    room = RoomDouble()
    return ChatCommands(ClientDouble(), room, Console(out, err)), room, out, err  # type: ignore[arg-type]


async def test_who_lists_people_harmlessly(chat: tuple) -> None:
    commands, _, out, err = chat
    await commands.run("who", "")
    assert err.getvalue() == (
        "Alice (1 device, you)\nBob (2 devices, verified)\nEve (1 device, not verified)\n"
    )
    assert out.getvalue() == ""


async def test_who_vouches_for_no_changed_key(chat: tuple) -> None:
    commands, room, _, err = chat
    room.changed = "Bob"
    await commands.run("who", "")
    assert "Bob (2 devices, KEY CHANGED: /why)" in err.getvalue()


async def test_who_is_not_let_go_has_not_left(chat: tuple) -> None:
    commands, room, _, err = chat
    room.is_member = False
    await commands.run("leave", "")
    assert "You left" not in err.getvalue()
    assert not commands.has_left
    room.is_member = True
    await commands.run("leave", "")
    assert "You left tea." in err.getvalue()
    assert commands.has_left


async def test_why_says_what_happened_and_what_to_do(chat: tuple) -> None:
    commands, room, _, err = chat
    await commands.run("why", "")
    assert "Nothing went wrong" in err.getvalue()
    room.explanations = [Explanation("It fell.\x1b[2J", "Pick it up.")]
    await commands.run("why", "")
    assert err.getvalue().endswith("It fell.\n  Pick it up.\n")


async def test_verify_shows_the_number_and_takes_done(chat: tuple) -> None:
    commands, room, _, err = chat
    await commands.run("verify", "Bob")
    assert "  00000 00001 00002 00003\n  00004" in err.getvalue()
    assert room.verified == []
    await commands.run("verify", "Bob done")
    assert room.verified == ["Bob"]
    for argument in ("", "Bob maybe", " done"):
        await commands.run("verify", argument)
    assert room.verified == ["Bob"]


async def test_a_refusal_is_said_and_the_chat_goes_on(chat: tuple) -> None:
    commands, _, _, err = chat
    await commands.run("verify", "Nobody")
    assert "Nobody is called Nobody here" in err.getvalue()


async def test_an_unknown_command_gets_a_hint(chat: tuple) -> None:
    commands, _, out, err = chat
    await commands.run("dance", "")
    assert "//dance sends it" in err.getvalue()
    assert out.getvalue() == ""


async def test_an_invite_link_is_data(chat: tuple) -> None:
    commands, _, out, _ = chat
    await commands.run("invite", "")
    assert out.getvalue() == "sottovoce://h:1/x#y\n"


def test_help_names_every_command(chat: tuple) -> None:
    commands = chat[0]
    assert all(f"/{name}" in HELP for name in commands._commands)
