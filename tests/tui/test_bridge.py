"""The bridge against a real server: what a person does on one side comes as news on the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from sdk_world import PATIENCE, World, a_world, until

from sottovoce.client.client import Client
from sottovoce.client.errors import ClientClosed, WrongPassword
from sottovoce.link.invite_link import InviteLink
from sottovoce.tui import view
from sottovoce.tui.bridge import LAST_ROOM, Bridge, Entrance, Refused, _part


class Listener:
    """What a bridge has told, and waiting for it to tell something."""

    def __init__(self) -> None:
        self.news: list[view.News] = []
        self._came = asyncio.Event()

    def hear(self, news: view.News) -> None:
        self.news.append(news)
        self._came.set()

    def fail(self, bug: Exception) -> None:
        raise bug

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                self._came.clear()
                await self._came.wait()

    @property
    def lines(self) -> list[view.Line]:
        """Every line of the open room that was told, in order."""
        told: list[view.Line] = []
        for news in self.news:
            told += news.opened.page.lines if news.opened else news.lines
        return told

    @property
    def texts(self) -> list[str]:
        return [f"{line.sender}: {line.text}" for line in self.lines if isinstance(line, view.Message)]

    @property
    def details(self) -> view.RoomDetails:
        found = [news.opened.details if news.opened else news.details for news in self.news]
        return next(details for details in reversed(found) if details is not None)

    @property
    def rooms(self) -> tuple[view.Room, ...]:
        return next(news.rooms for news in reversed(self.news) if news.rooms is not None)

    def arrived(self, room: str) -> list[str]:
        """The texts that came in a room that is not open."""
        arrivals = [arrival for news in self.news for arrival in news.arrivals if arrival.room.name == room]
        lines = [line for arrival in arrivals for line in arrival.lines]
        return [line.text for line in lines if isinstance(line, view.Message)]

    @property
    def is_online(self) -> bool:
        links = [news.link for news in self.news if news.link is not None]
        return bool(links) and links[-1].is_online


@asynccontextmanager
async def bridge_of(world: World, name: str) -> AsyncIterator[tuple[Bridge, Listener, bytes]]:
    """A bridge of a person who is in the lobby, which is open."""
    listener = Listener()
    bridge = Bridge(listener.hear, listener.fail)
    try:
        await bridge.enter(Entrance(world.invite, name, f"password of {name}", world.folder / name))
        room_id = await bridge.enter_first_room(None)
        assert room_id is not None
        await bridge.open(room_id)
        await listener.until(lambda: any(news.opened for news in listener.news))
        yield bridge, listener, room_id
    finally:
        await bridge.close()


async def forget_account(world: World, name: str, heard: Listener) -> None:
    """The server loses an account, so that somebody else can have its name; who hears is online again."""
    await world.stop()
    await heard.until(lambda: not heard.is_online)
    devices = "SELECT d.id FROM devices d, accounts a WHERE a.id = d.account AND a.name = ?"
    world.sql(f"DELETE FROM roster WHERE device IN ({devices})", (name,))
    world.sql(f"DELETE FROM devices WHERE id IN ({devices})", (name,))
    world.sql("DELETE FROM accounts WHERE name = ?", (name,))
    await world.start()
    await heard.until(lambda: heard.is_online)


async def test_two_people_talk(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("bob") as bob:
        his = await bob.join("lobby")
        async with bridge_of(world, "alice") as (alice, heard, lobby):
            await alice.send(lobby, "Hi\x1b[31m Bob")
            await heard.until(lambda: "alice: Hi Bob" in heard.texts)
            await his.send("Hello\nAlice")
            await heard.until(lambda: "bob: Hello\nAlice" in heard.texts)
            stored = [line for line in heard.lines if isinstance(line, view.Message) and line.seq]
            assert [(line.text, line.is_mine) for line in stored] == [
                ("Hi Bob", True),
                ("Hello\nAlice", False),
            ]
            assert stored[0].position < stored[1].position
            life = await alice.x_ray(lobby, stored[1].message_id)
            assert life.server is not None
            assert "Hello" in life.layers[0].text
            await heard.until(lambda: heard.details.security.epoch is not None)
            assert {member.user for member in heard.details.members} == {"alice", "bob"}
            assert heard.details.members[0].is_me
            await alice.mark_read(lobby, stored[1].position)
            await heard.until(lambda: heard.rooms[0].unread == 0)


async def test_an_invite_link_is_good_until_whatever_the_server_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Client.invite

    async def for_ever(client: Client, *rest: object) -> InviteLink:
        return replace(await made(client, *rest), expires_at=2**50)  # type: ignore[arg-type] - as it was called

    monkeypatch.setattr(Client, "invite", for_ever)
    async with a_world(tmp_path) as world, bridge_of(world, "alice") as (alice, _, lobby):
        assert (await alice.invite(lobby)).expires_at.year == 9999


async def test_a_message_is_queued_then_stored_under_one_id_when_the_server_is_back(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, bridge_of(world, "alice") as (alice, heard, lobby):
        await world.stop()
        await heard.until(lambda: not heard.is_online)
        await alice.send(lobby, "in the tunnel")
        await heard.until(lambda: len(heard.texts) == 1)
        (queued,) = [line for line in heard.lines if isinstance(line, view.Message)]
        assert queued.delivery is view.Delivery.QUEUED
        assert queued.position >= view.QUEUED_FROM
        assert await alice.unsent() == 1
        await world.start()
        await heard.until(lambda: len(heard.texts) == 2)
        stored = [line for line in heard.lines if isinstance(line, view.Message)][-1]
        assert stored.delivery is view.Delivery.STORED
        assert stored.message_id == queued.message_id
        assert await alice.unsent() == 0


async def test_messages_in_another_room_are_told_and_counted(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, bridge_of(world, "alice") as (alice, heard, lobby):
        plan = await alice.create_room("the plan")
        link = (await alice.invite(plan)).link
        async with world.person("bob", link=link) as bob:
            his = await bob.join(link)
            await his.send("one")
            await his.send("two")
            await his.flush()
            await heard.until(lambda: heard.arrived("the plan")[-2:] == ["one", "two"])
            await heard.until(lambda: {room.name: room.unread for room in heard.rooms}["the plan"] == 2)
            await alice.open(plan)
            await heard.until(lambda: heard.details.room.room_id == plan)
            assert heard.texts[-2:] == ["bob: one", "bob: two"]
            assert heard.details.members[1].verified is False
        await alice.keep(LAST_ROOM, plan)
        assert await alice.enter_first_room(None) == plan
        assert await alice.open_rooms() == ()
        assert lobby != plan


async def test_a_message_is_looked_into_or_the_sentence_says_why_not(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, bridge_of(world, "alice") as (bridge, heard, room_id):
        await bridge.send(room_id, "Tea at four")
        stored = view.Delivery.STORED
        await heard.until(lambda: any(getattr(line, "delivery", None) is stored for line in heard.lines))
        message = heard.lines[-1]
        assert isinstance(message, view.Message)
        life = await bridge.x_ray(room_id, message.message_id)
        assert life.layers[0].text == "Tea at four"
        assert life.server is not None
        assert b"Tea at four" not in life.server.data
        with pytest.raises(Refused, match="cannot be looked into"):
            await bridge.x_ray(room_id, bytes(32))


async def test_numbers_are_compared_and_somebody_is_verified(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, world.person("bob") as bob:
        his = await bob.join("lobby")
        async with bridge_of(world, "alice") as (alice, heard, lobby):
            await heard.until(lambda: len(heard.details.members) == 2)
            await until(lambda: len(his.members()) == 2, "bob sees alice")
            number = await alice.safety_number(lobby, "bob")
            assert number.digits == his.safety_number("alice")
            assert not number.is_changed_key
            await alice.verify(lobby, "bob")
            await heard.until(lambda: heard.details.security.all_verified)
            await alice.distrust(lobby, "bob")
            await heard.until(lambda: not heard.details.security.all_verified)


async def test_a_refusal_is_a_sentence_and_leaves_the_bridge_usable(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        async with bridge_of(world, "alice") as (alice, _, lobby):
            with pytest.raises(Refused) as refused:
                await alice.safety_number(lobby, "nobody")
            assert "nobody" in refused.value.sentence
            with pytest.raises(Refused):
                await alice.open(bytes(16))
        listener = Listener()
        bridge = Bridge(listener.hear, listener.fail)
        entrance = Entrance(world.invite, "alice", "a wrong password", world.folder / "alice")
        with pytest.raises(Refused) as refused:
            await bridge.enter(entrance)
        assert isinstance(refused.value.cause, WrongPassword)
        with pytest.raises(Refused) as refused:
            await bridge.unsent()
        assert isinstance(refused.value.cause, ClientClosed)
        await bridge.enter(Entrance(world.invite, "alice", "password of alice", world.folder / "alice"))
        assert await bridge.unsent() == 0
        await bridge.close()


async def test_who_gives_up_entering_is_not_in_and_may_try_again(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        listener = Listener()
        bridge = Bridge(listener.hear, listener.fail)
        entrance = Entrance(world.invite, "alice", "password of alice", world.folder / "alice")
        for _ in range(2):
            entering = asyncio.create_task(bridge.enter(entrance))
            await until(lambda: bridge._life is not None and not bridge._life.done(), "it enters")
            entering.cancel()
            with pytest.raises(asyncio.CancelledError):
                await entering
        with pytest.raises(Refused) as refused:
            await bridge.unsent()
        assert isinstance(refused.value.cause, ClientClosed)
        await bridge.enter(entrance)
        assert await bridge.unsent() == 0
        await bridge.close()


async def test_a_link_leads_to_a_place_with_the_accounts_of_this_machine(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        async with bridge_of(world, "alice"):
            pass
        bridge = Bridge(Listener().hear, Listener().fail)
        place = await bridge.find(world.invite, world.folder / "alice")
        assert (place.room, place.accounts) == ("lobby", ("alice",))
        with pytest.raises(Refused):
            await bridge.find("sottovoce://cut", world.folder / "alice")
        await bridge.close()


async def test_who_leaves_just_as_a_wait_runs_out_is_out() -> None:
    async def live() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        await asyncio.Event().wait()

    listener = Listener()
    bridge = Bridge(listener.hear, listener.fail)
    life = asyncio.create_task(live())
    for _ in range(2):
        await asyncio.sleep(0)
    assert life.cancelling(), "the timeout cancels, and takes it back when the task hears of it"
    bridge._end(life)
    bridge._end(life)
    done, _ = await asyncio.wait((life,), timeout=PATIENCE)
    assert done
    assert life.cancelled()
    await bridge.close()


async def test_what_went_wrong_is_unseen_until_it_was_looked_at(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, bridge_of(world, "alice") as (alice, heard, _):
        plan = await alice.create_room("the plan")
        link = (await alice.invite(plan)).link
        await alice.open(plan)
        async with world.person("bob", link=link) as bob:
            await bob.join(link)
            await heard.until(lambda: len(heard.details.members) == 2)
        await alice.remove(plan, "bob")
        await forget_account(world, "bob", heard)
        link = (await alice.invite(plan)).link
        async with world.person("bob", home="impostor", link=link) as impostor:
            await impostor.join(link)
            await heard.until(lambda: heard.details.waits_for == "bob")
            assert heard.details.unseen
            assert next(room for room in heard.rooms if room.room_id == plan).has_alarm
            assert "bob" in (await alice.explain(plan))[0].what_happened
            heard.news.clear()
            await alice.mark_explained(plan, ())
            await heard.until(lambda: any(news.details for news in heard.news))
            assert heard.details.unseen, "what was not shown does not count as looked at"
            await alice.mark_explained(plan, await alice.explain(plan))
            await heard.until(lambda: heard.details.unseen == 0)
            assert (await alice.safety_number(plan, "bob")).is_changed_key


async def test_a_large_value_is_kept_whole_and_a_smaller_one_in_its_place(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world, bridge_of(world, "alice") as (alice, _, _lobby):
        for value in (bytes(range(256)) * 1000, b"small", bytes(64 * 1024)):
            await alice.keep("something", value)
            assert await alice.kept("something") == value
        await alice.keep("something", bytes(200 * 1024))
        await alice.keep("something", b"")
        client = alice._client
        assert client is not None
        parts = [await alice._do(client.kept(_part("something", number))) for number in range(4)]
        assert parts == [None] * 4, "a longer one later must not find the end of this one"


async def test_an_error_nobody_foresaw_in_what_listens_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr("sottovoce.tui.view_making.note_of", fail)
    bugs: list[Exception] = []
    async with a_world(tmp_path) as world:
        bridge = Bridge(Listener().hear, bugs.append)
        await bridge.enter(Entrance(world.invite, "alice", "password of alice", world.folder / "alice"))
        await until(lambda: bool(bugs), "it is told")
        assert isinstance(bugs[0], ValueError)
        await bridge.close()
