"""Two ends of a link without a socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sottovoce.link import messages as m
from sottovoce.link.connection import ClientConnection, ServerConnection
from sottovoce.link.connection_state import State


class Pair:
    """A client's and a server's connection; what one sends the other receives."""

    def __init__(self) -> None:
        self.client = ClientConnection()
        self.server = ServerConnection()

    def ask(self, request: Any) -> list[Any]:
        self.client.send(request)
        self.server.receive_data(self.client.data_to_send())
        return self.server.events()

    def answer(self, reply: Any) -> list[Any]:
        self.server.send(reply)
        self.client.receive_data(self.server.data_to_send())
        return self.client.events()

    @property
    def states(self) -> set[State]:
        return {self.client.state, self.server.state}


@pytest.fixture
def pair() -> Pair:
    """Both ends, before the greeting."""
    return Pair()


@pytest.fixture
def greeted(pair: Pair) -> Pair:
    """Both ends after the greeting."""
    pair.ask(m.Hello(1, [1], "test"))
    pair.answer(m.HelloReply(1, 1, False, bytes(32)))
    return pair


@pytest.fixture
def logged_in(greeted: Pair) -> Pair:
    """Both ends with a device logged in."""
    greeted.ask(m.DeviceLogin(2, "alice", bytes(16), bytes(64)))
    greeted.answer(m.Done(2))
    return greeted


@pytest.fixture
def make_pair() -> Callable[[], Pair]:
    """Fresh pairs, for tests that need many."""
    return Pair
