"""The journeys of the protocol's page, in the app, against a real server."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from app_world import Terminal, newcomer, terminal
from sdk_world import a_world, texts
from textual.widgets import Static

from sottovoce.link.parts import EntryKind


async def test_two_terminals(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, terminal(world, "alice") as alice, terminal(world, "bob") as bob:
        await bob.type("Hi everyone!")
        await alice.until_shown("Hi everyone!")
        await alice.type("Hello Bob, how are you?")
        await bob.until_shown("Hello Bob, how are you?")
        assert alice.messages == bob.messages == ["bob: Hi everyone!", "alice: Hello Bob, how are you?"]
        await alice.until_shown("1 not verified")


async def test_a_train_tunnel(tmp_path: Path) -> None:
    """What is written while the server is away goes out once, in order, when it is back."""
    async with a_world(tmp_path) as world, terminal(world, "alice") as alice, world.person("bob") as bob:
        his = await bob.join("lobby")
        await alice.until_shown("online")
        await world.stop()
        await alice.until_shown("offline")
        for text in ("one", "two", "three"):
            await alice.type(text)
        await alice.until(lambda: len(alice.messages) == 3, "all three are shown")
        await world.start()
        assert await texts(his, 3) == ["alice: one", "alice: two", "alice: three"]
        await alice.until_shown("● online")
        assert alice.messages == ["alice: one", "alice: two", "alice: three"]


async def test_a_link_to_a_friend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An invite link on one screen; the friend's first run on another, and both are in the room."""
    async with a_world(tmp_path) as world, terminal(world, "alice") as alice:
        await alice.type("/new the plan")
        await alice.until_shown("the plan  1 member")
        await alice.pilot.press("f5")
        await alice.until_shown("Invite a friend into the plan")
        link = alice.app.screen.query_one(".link", Static).content
        await alice.pilot.press("escape")
        monkeypatch.setenv("SOTTOVOCE_RUNTIME_DIR", str(tmp_path / "no server runs here"))
        async with newcomer(world, "bob") as bob:
            await bob.until_shown("invite link")
            await bob.paste(str(link))
            await bob.until_shown("Your account on")
            await bob.type("bob")
            await bob.type("a good long password of bob")
            await bob.type("a good long password of bob")
            await bob.until_shown("Start chatting")
            await bob.pilot.press("escape")
            await bob.until_shown("the plan  2 members")
            await bob.type("I am in")
            await alice.until_shown("I am in")


async def try_to_register(newcomer: Terminal, user: str) -> None:
    await newcomer.until_shown("Your account on")
    await newcomer.type(user)
    for _ in range(2):
        await newcomer.type(f"a good long password of {user}")


async def test_who_is_new_learns_that_a_link_is_needed_and_what_was_typed_stays(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, terminal(world, "alice") as alice:
        await alice.type("/new the plan")
        await alice.until_shown("the plan  1 member")
        async with newcomer(world, "carol", link=f"127.0.0.1:{world.address.port}") as carol:
            await try_to_register(carol, "carol")
            await carol.until_shown("takes new people by invite link only")
            await alice.pilot.press("f5")
            await alice.until_shown("Invite a friend into the plan")
            link = str(alice.app.screen.query_one(".link", Static).content)
            await carol.paste(link)  # in the place of the address
            await carol.until_shown("Your account on")
            await carol.until(lambda: carol.app.focused.id == "password", "what was typed is there")
            await carol.pilot.press("enter", "enter")
            await carol.until_shown("Start chatting")
        async with newcomer(world, "dave", link=link) as dave:
            await try_to_register(dave, "dave")
            await dave.until_shown("This link makes no new account any more")


async def test_a_second_laptop(tmp_path: Path) -> None:
    """A password is enough: rooms and contacts are there."""
    async with a_world(tmp_path) as world, world.person("bob") as bob, terminal(world, "alice") as alice:
        his = await bob.join("lobby")
        await alice.until_shown("lobby  2 members")
        await alice.type("/new the plan")
        await alice.until_shown("the plan  1 member")
        await alice.pilot.press("alt+up")
        await alice.until_shown("lobby  2 members")
        await alice.type("/verify bob")
        await alice.until_shown("Is this really bob?")
        await alice.pilot.press("right", "right", "enter")
        await alice.until_shown("✓ all verified")
        async with terminal(world, "alice", home="second laptop") as laptop:
            await laptop.until(lambda: len(laptop.chat.rooms) == 2, "both rooms are there")
            await laptop.until_shown("lobby  2 members")
            await laptop.until_shown("✓ all verified")
            await laptop.type("from the laptop")
            assert await texts(his, 1) == ["alice: from the laptop"]


async def test_a_dead_server(tmp_path: Path) -> None:
    """It comes back, and everybody with it, by themselves; nothing is lost."""
    async with a_world(tmp_path) as world, terminal(world, "alice") as alice, terminal(world, "bob") as bob:
        await alice.type("before")
        await bob.until_shown("before")
        await world.stop()
        await bob.until_shown("offline")
        await alice.type("meanwhile")
        await world.start()
        await bob.until_shown("meanwhile")
        await bob.until_shown("● online")
        assert bob.messages == ["alice: before", "alice: meanwhile"]


async def test_a_lying_server(tmp_path: Path) -> None:
    """Messages that it drops are missed: the alarm says what happened and what to do."""
    async with a_world(tmp_path) as world, world.person("bob") as bob:
        his = await bob.join("lobby")
        async with terminal(world, "alice"):
            pass
        for text in ("one", "two", "three"):
            await his.send(text)
        await his.flush()
        await world.stop()
        messages = [one for one in world.log() if one.entry.kind is EntryKind.MESSAGE]
        kept = [one for one in world.log() if one != messages[1]]
        world.replace_log([one.but(seq=seq) for seq, one in enumerate(kept, 1)], chain_too=True)
        await world.start()
        async with terminal(world, "alice") as alice:
            await alice.until_shown("alarm")
            await alice.until_shown("missing here")
            assert alice.messages == ["bob: one", "bob: three"]
            await alice.pilot.press("f6")
            await alice.until_shown("cannot be shown")
            await alice.until_shown("sent again")
            await alice.pilot.press("escape")
            await alice.until(lambda: "alarm (F6)" not in alice.text, "the alarm was looked at")


async def test_a_server_with_another_key(tmp_path: Path) -> None:
    """Nothing is sent to it, and nothing is tried again: what happened and what to do stays on the screen."""
    async with a_world(tmp_path) as world, terminal(world, "alice") as alice:
        await alice.type("before")
        await alice.until_shown("● online")
        await world.stop()
        shutil.rmtree(world.data)
        await world.start()
        await alice.until_shown("another key than before")
        await alice.pilot.press("escape")
        await alice.until_shown("✗ stopped")
        assert alice.messages == ["alice: before"]


async def test_a_start_while_the_server_is_away(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        async with terminal(world, "alice") as alice:
            await alice.type("before")
            await alice.until_shown("before  ✓")
        await world.stop()
        async with terminal(world, "alice", notifications=True) as alice:
            await alice.until_shown("The server at 127")
            assert alice.messages == ["alice: before"]
            await alice.type("meanwhile")
            await world.start()
            await alice.until_shown("● online")


async def test_a_password_that_is_wrong_is_asked_for_again(tmp_path: Path) -> None:
    """On the machine where the account is known, and on a new one; what was typed stays."""
    async with a_world(tmp_path) as world:
        async with terminal(world, "alice"):
            pass
        for home in ("alice", "another machine"):
            async with newcomer(world, home, link=world.invite) as alice:
                await alice.until_shown("Your account on")
                if home != "alice":
                    await alice.pilot.press("shift+tab", "right", "tab")
                    await alice.type("alice")
                await alice.until_shown("Log in")
                await alice.type("a wrong one")
                await alice.until_shown("is wrong")
                await alice.type("password of alice")
                await alice.until_shown("lobby  1 member")


async def test_a_name_that_is_taken_is_asked_for_again(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        async with terminal(world, "alice"):
            pass
        async with newcomer(world, "other", link=world.invite) as other:
            await other.until_shown("Your account on")
            for text in ("alice", "a good long password", "a good long password"):
                await other.type(text)
            await other.until_shown("is taken on this server")
            assert "Create account" in other.text
