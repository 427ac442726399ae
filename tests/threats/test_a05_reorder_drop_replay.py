"""A5 (Telegram, Threema): however the server permutes, drops or repeats the log, it is never silent."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from room_world import talking

from sottovoce.client.events import ForkAlarm, Gap
from sottovoce.client.log_reader import OutOfStep
from sottovoce.link.parts import Entry


@st.composite
def conversations(draw: st.DrawFn) -> tuple[list[int], list[int], bool]:
    """Who speaks, line by line; which lines Bob is given, in which order; and whether Alice reads meanwhile.

    While she reads, the log's heads in her messages tell. While she only speaks, their own numbers must.
    """
    alice_reads = draw(st.booleans())
    speakers = draw(st.lists(st.integers(0, int(alice_reads)), min_size=2, max_size=7))
    lines = range(len(speakers))
    given_lines = draw(st.permutations(lines) | st.lists(st.sampled_from(lines), max_size=9))
    return speakers, list(given_lines), alice_reads


@settings(max_examples=80)
@given(conversations())
def test_never_silent(case: tuple[list[int], list[int], bool]) -> None:
    speakers, order, alice_reads = case
    people = alice, bob = talking("alice", "bob")
    alice.type("the first one")  # from here on Bob knows where Alice's numbers stand
    alice.send()
    bob.read()
    reader_bob = bob.state.record.seq
    for number, speaker in enumerate(speakers):
        if alice_reads:
            alice.read()
        people[speaker].type(f"line {number}")
        people[speaker].send()
    if alice_reads:
        alice.read()
    alice.type("the last one")  # it comes through: what nothing follows cannot be missed yet
    alice.send()
    honest = bob.log.entries[:reader_bob]
    lines = bob.log.entries[reader_bob:]
    tampered = [*honest, *(lines[n] for n in order), lines[-1]]
    entries: list[Entry] = [msgspec.structs.replace(one, seq=seq) for seq, one in enumerate(tampered, 1)]

    out_of_step = False
    try:
        bob.read(entries=entries)
    except OutOfStep:
        out_of_step = True  # the room is joined again, and says so
    bob.restart()  # findings are kept
    texts = [text for _, text in bob.messages()]
    told = out_of_step or any(isinstance(item, Gap | ForkAlarm) for item in bob.timeline())
    if order == list(range(len(speakers))):
        assert not told
        assert texts == [
            "the first one",
            *(f"line {number}" for number in range(len(speakers))),
            "the last one",
        ]
    else:
        assert told
    assert len(texts) == len(set(texts)), "nothing is shown twice"
    said = {(("alice", "bob")[who], f"line {number}") for number, who in enumerate(speakers)}
    assert set(bob.messages()) <= said | {("alice", "the first one"), ("alice", "the last one")}
