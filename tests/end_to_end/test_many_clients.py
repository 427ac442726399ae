"""Sixty people at once, and a server that is killed under them (issue: done when 3 and 4)."""

from __future__ import annotations

import re
import time

import pytest
from end_to_end_world import Process, World, in_room

CLIENTS = 60
LINES = 5
KILLS = 20
LINE = re.compile(r"^user(\d+): line \1 (\d+)$")


def said(process: Process) -> list[str]:
    """What a chat has printed of our lines, in its order."""
    return [line for line in process.out.snapshot() if LINE.match(line)]


def wait_for_lines(process: Process, count: int) -> None:
    process.out.wait_for(lambda lines: sum(map(bool, map(LINE.match, lines))) >= count, f"{count} lines")


@pytest.mark.slow
def test_sixty_clients_and_a_server_killed_twenty_times(world: World) -> None:
    started = time.monotonic()
    chats = [world.chat(f"user{n}") for n in range(CLIENTS)]
    for chat in chats:
        in_room(chat)
    print(f"{CLIENTS} clients in the lobby after {time.monotonic() - started:.1f} s")

    for n, chat in enumerate(chats):
        chat.type(*(f"line {n} {k}" for k in range(LINES)))
    for chat in chats:
        wait_for_lines(chat, CLIENTS * LINES)
    expected = {f"user{n}: line {n} {k}" for n in range(CLIENTS) for k in range(LINES)}
    orders = {tuple(said(chat)) for chat in chats}
    assert len(orders) == 1, "every client prints one and the same order"
    assert sorted(orders.pop()) == sorted(expected)

    total = CLIENTS * LINES
    for kill in range(KILLS):
        for n, chat in enumerate(chats):
            chat.type(f"line {n} {LINES + kill}")
        total += CLIENTS
        # the kill falls while the round's lines are under way: after the first of them is in the log
        wait_for_lines(chats[kill % CLIENTS], total - CLIENTS + 1)
        world.server.kill()
        world.server.start()
    for chat in chats:
        wait_for_lines(chat, total)
    print(f"{KILLS} kills, {total} lines on {CLIENTS} clients after {time.monotonic() - started:.1f} s")

    everything = {f"user{n}: line {n} {k}" for n in range(CLIENTS) for k in range(LINES + KILLS)}
    final = {tuple(said(chat)) for chat in chats}
    assert len(final) == 1, "one and the same order after twenty kills"
    lines = final.pop()
    assert len(lines) == len(set(lines)) == total, "no line twice"
    assert set(lines) == everything, "no line lost"
    for chat in chats:
        assert chat.wait() == 0
