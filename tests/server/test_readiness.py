"""Rounds: who is told, who is not any more, and that a crowd is given time to gather."""

import asyncio
import logging
import socket
from selectors import EVENT_READ, EVENT_WRITE

import pytest

from sottovoce.server import readiness as module
from sottovoce.server.readiness import CROWD, Readiness


class Connection:
    """Reads a byte when told, and remembers what it was told."""

    def __init__(self, readiness):
        self.readiness = readiness
        self.ours, self.theirs = socket.socketpair()
        self.ours.setblocking(False)
        self.told, self.watched, self.trouble = [], 0, None

    def watch(self, events):
        self.readiness.watch(self.ours.fileno(), events, self, was=self.watched)
        self.watched = events

    def on_ready(self, events):
        self.told.append(events)
        if self.trouble is not None:
            raise self.trouble
        if events & EVENT_WRITE:
            self.watch(self.watched & ~EVENT_WRITE)
        return bool(events & EVENT_READ and self.ours.recv(1))

    def close(self):
        if self.watched:
            self.watch(0)
        self.ours.close()
        self.theirs.close()


@pytest.fixture
async def connect():
    readiness, made = Readiness(asyncio.get_running_loop()), []

    def make(count=1):
        made.extend(Connection(readiness) for _ in range(count))
        return made[-count:]

    yield make
    for connection in made:
        connection.close()
    readiness.close()


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - nothing sets an event
            await asyncio.sleep(0)


async def test_a_connection_is_told_what_it_waits_for_and_nothing_else(connect):
    reader, writer = connect(2)
    reader.watch(EVENT_READ)
    writer.watch(EVENT_READ | EVENT_WRITE)
    await until(lambda: writer.told)
    assert (reader.told, writer.told) == ([], [EVENT_WRITE])
    reader.theirs.send(b"x")
    await until(lambda: reader.told)
    assert (reader.told, writer.told) == ([EVENT_READ], [EVENT_WRITE])


async def test_who_waits_for_nothing_any_more_is_told_nothing(connect):
    gone, there = connect(2)
    gone.watch(EVENT_READ)
    there.watch(EVENT_READ)
    gone.watch(0)
    for connection in (gone, there):
        connection.theirs.send(b"x")
    await until(lambda: there.told)
    assert gone.told == []


async def test_one_connections_trouble_is_not_the_next_ones(connect, caplog):
    first, second = connect(2)
    first.trouble = RuntimeError("boom: secret")
    for connection in (first, second):
        connection.watch(EVENT_READ)
        connection.theirs.send(b"x")
    with caplog.at_level(logging.ERROR):
        await until(lambda: second.told)
        first.watch(0)
    assert "secret" not in caplog.text
    assert [record.fields for record in caplog.records][:1] == [{"error": "RuntimeError"}]


async def test_after_a_crowd_the_next_round_waits_and_finds_everybody(connect):
    pauses = []
    loop = asyncio.get_running_loop()
    crowd = connect(CROWD)
    readiness = crowd[0].readiness
    readiness._loop = Pausing(loop, pauses)
    for connection in crowd:
        connection.watch(EVENT_READ)
        connection.theirs.send(b"ab")
    await until(lambda: pauses)
    assert all(connection.told == [EVENT_READ] for connection in crowd)
    for _ in range(10):
        await asyncio.sleep(0)
    assert all(connection.told == [EVENT_READ] for connection in crowd), "no round during the pause"
    pauses.pop()()
    await until(lambda: all(len(connection.told) == 2 for connection in crowd))


async def test_a_few_connections_are_never_made_to_wait(connect):
    few = connect(CROWD - 1)
    pauses = []
    few[0].readiness._loop = Pausing(asyncio.get_running_loop(), pauses)
    for connection in few:
        connection.watch(EVENT_READ)
        connection.theirs.send(b"ab")
    await until(lambda: all(len(connection.told) == 2 for connection in few))
    assert pauses == []


async def test_a_long_round_lets_the_loop_turn(connect, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE_SECONDS", -1.0)  # whoever has begun is finished, then it is over
    connections = connect(3)
    turns = []
    for connection in connections:
        connection.watch(EVENT_READ)
        connection.theirs.send(b"x")
    loop = asyncio.get_running_loop()

    def count():
        turns.append(sum(len(connection.told) for connection in connections))
        if turns[-1] < 3:
            loop.call_soon(count)

    loop.call_soon(count)
    await until(lambda: turns[-1:] == [3])
    assert {1, 2} <= set(turns), "others had a turn between two connections"


class Pausing:
    """The loop, but for pauses: these end when the test says so."""

    def __init__(self, loop, pauses):
        self._loop, self._pauses = loop, pauses

    def __getattr__(self, name):
        return getattr(self._loop, name)

    def call_later(self, _delay, callback):
        self._pauses.append(callback)
