"""Backoff: soon at first, never in step with others, never far away."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.client.errors import LinkLost, StoreUnwritable
from sottovoce.client.events import ClientEvent, Disconnected, SessionEnded
from sottovoce.client.server_address import ServerAddress
from sottovoce.client.session import FIRST_DELAY, LONG_AFTER, LONG_CAP, SHORT_CAP, Session, backoff
from sottovoce.errors import InternalError


def test_the_bound_doubles_up_to_its_cap() -> None:
    bounds = [backoff(attempt, 0.0) for attempt in range(12)]
    assert bounds[0] == FIRST_DELAY
    assert all(later in (2 * earlier, SHORT_CAP) for earlier, later in pairwise(bounds))
    assert bounds[-1] == SHORT_CAP


def test_a_server_long_gone_is_asked_less_often() -> None:
    assert backoff(12, LONG_AFTER - 1) == SHORT_CAP
    assert backoff(12, LONG_AFTER) == LONG_CAP


@given(st.integers(0, 10**9), st.floats(0, 1e9))
def test_it_is_always_within_bounds(attempt: int, away: float) -> None:
    assert FIRST_DELAY <= backoff(attempt, away) <= LONG_CAP


async def _nothing(_: object) -> None:
    pass


def _session(
    monkeypatch: pytest.MonkeyPatch,
    failures: list[Exception],
    emit: Callable[[ClientEvent], None] = lambda _: None,
) -> Session:
    """A session whose attempts to connect fail like this, one after the other."""

    async def connect(_: Session) -> None:
        raise failures.pop(0)

    monkeypatch.setattr(Session, "_connect", connect)
    address = ServerAddress("localhost", 1, bytes(32))
    return Session(address, log_in=_nothing, on_push=lambda _: None, emit=emit)


async def test_what_cannot_pass_ends_the_session_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[ClientEvent] = []
    session = _session(monkeypatch, [LinkLost("not yet"), StoreUnwritable("store.db")], told.append)
    await session.run()
    await session.first_attempt
    assert [type(event) for event in told] == [Disconnected, SessionEnded]
    with pytest.raises(StoreUnwritable):
        await session.online()


async def test_a_bug_does_not_leave_anybody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    decoding = UnicodeDecodeError("utf-8", b"canary words of a friend", 0, 1, "invalid start byte")
    session = _session(monkeypatch, [decoding])
    await session.run()
    for waiting in (session.first_attempt, session.online()):
        with pytest.raises(InternalError, match="UnicodeDecodeError") as told:
            await waiting
        assert "canary" not in "".join(traceback.format_exception(told.value))
