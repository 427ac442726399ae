"""The journeys of the protocol's page, in the app, against a real server."""

from __future__ import annotations

from pathlib import Path

from app_world import terminal
from sdk_world import a_world, texts


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
