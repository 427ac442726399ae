"""Threat C1: nothing in a login tells a registered name from one that is not."""

import bisect
import os
import statistics
import sys
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from sottovoce.opaque.client import ClientLogin, ClientRegistration
from sottovoce.opaque.errors import AuthenticationFailed, LoginFailed
from sottovoce.opaque.server import ServerLogin, ServerSetup, registration_response

TRIES = 10_000
# The Kolmogorov-Smirnov statistic of two samples of n exceeds c * sqrt(2 / n) with probability 0.01.
CRITICAL = 1.628 * (2 / TRIES) ** 0.5


def identity(oprf_output: bytes) -> bytes:
    return oprf_output


@pytest.fixture(scope="module")
def setup() -> ServerSetup:
    return ServerSetup.generate(os.urandom)


@pytest.fixture(scope="module")
def record(setup: ServerSetup) -> bytes:
    registration = ClientRegistration.start(b"password", random=os.urandom)
    return registration.finish(
        registration_response(setup, registration.request, b"alice"),
        server_identity=None,
        client_identity=b"alice",
        ksf=identity,
        random=os.urandom,
    ).record


def answer(setup: ServerSetup, record: bytes | None, ke1: bytes, name: bytes = b"alice") -> ServerLogin:
    return ServerLogin.start(
        setup,
        record,
        ke1,
        credential_identifier=name,
        context=b"context",
        client_identity=name,
        server_identity=None,
        random=os.urandom,
    )


def kolmogorov_smirnov(left: list[float], right: list[float]) -> float:
    """The largest distance between the two empirical distributions."""
    left, right = sorted(left), sorted(right)
    return max(
        abs(bisect.bisect_right(left, value) / len(left) - bisect.bisect_right(right, value) / len(right))
        for value in left + right
    )


def test_the_same_lengths_and_the_same_failures(setup: ServerSetup, record: bytes) -> None:
    for known in (record, None):
        login = ClientLogin.start(b"a guess", random=os.urandom)
        server_login = answer(setup, known, login.ke1)
        assert len(server_login.ke2) == 320
        with pytest.raises(LoginFailed, match="the name or the password is wrong"):
            login.finish(
                server_login.ke2,
                context=b"context",
                client_identity=b"alice",
                server_identity=None,
                ksf=identity,
            )
        with pytest.raises(AuthenticationFailed, match="The name or the password is wrong"):
            server_login.finish(bytes(64))


def test_an_unknown_name_answers_the_same_way_each_time(setup: ServerSetup) -> None:
    ke1 = ClientLogin.start(b"a guess", random=os.urandom).ke1
    answers = [answer(setup, None, ke1, name).ke2 for name in (b"nobody", b"nobody", b"noone")]
    # The evaluated element is a function of name and guess, for unknown names as for known ones;
    # everything else in the message is fresh.
    evaluated = [ke2[:32] for ke2 in answers]
    assert evaluated[0] == evaluated[1] != evaluated[2]
    for one, other in pairwise(answers):
        assert all(one[start : start + 32] != other[start : start + 32] for start in range(32, 320, 32))


def test_the_fake_record_survives_a_restart(setup: ServerSetup) -> None:
    assert ServerSetup.from_bytes(setup.to_bytes()).fake_record == setup.fake_record


@pytest.fixture
def untraced() -> Iterator[None]:
    """Suspend the tracer of a coverage run: it takes its time by the line, and would be what is measured."""
    tracer = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(tracer)


@pytest.mark.slow
@pytest.mark.usefixtures("untraced")
def test_the_same_time(setup: ServerSetup, record: bytes) -> None:
    """The times of known and unknown names come from one distribution, as far as 10,000 tries can tell.

    The tries alternate in random order, so that the machine's other work falls on both alike.
    """
    ke1 = ClientLogin.start(b"a guess", random=os.urandom).ke1
    statistics_seen = []
    for _ in range(3):
        times: dict[bool, list[float]] = {True: [], False: []}
        for coin in os.urandom(TRIES):
            for known in (True, False) if coin & 1 else (False, True):
                began = time.perf_counter_ns()
                answer(setup, record if known else None, ke1)
                times[known].append(time.perf_counter_ns() - began)
        statistics_seen.append(kolmogorov_smirnov(times[True], times[False]))
        if statistics_seen[-1] < CRITICAL:
            return
    # Three samples in a row above the 1 % level: once in a million runs by chance.
    pytest.fail(f"known and unknown names differ in time: {statistics.median(statistics_seen):.3f}")
