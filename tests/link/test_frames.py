"""Frames: cut where they end, and refused before memory is taken."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.link import messages as m
from sottovoce.link.errors import FrameTooLarge
from sottovoce.link.frames import LIMIT_AFTER_LOGIN, FrameReader, encode_frame
from sottovoce.link.parts import EntryKind


@given(st.lists(st.binary(max_size=300), max_size=20), st.lists(st.integers(1, 200), min_size=1))
def test_however_the_stream_is_cut_the_frames_come_out(bodies, cuts):
    stream = b"".join(len(body).to_bytes(4, "big") + body for body in bodies)
    reader = FrameReader()
    frames, at, turn = [], 0, 0
    while at < len(stream):
        step = cuts[turn % len(cuts)]
        frames += map(bytes, reader.frames(stream[at : at + step]))
        at, turn = at + step, turn + 1
    assert frames == bodies
    assert not reader.is_mid_frame


def test_a_frame_of_four_gibibytes_is_refused_before_memory_is_taken():
    reader = FrameReader()
    tracemalloc.start()
    with pytest.raises(FrameTooLarge):
        list(reader.frames(b"\xff\xff\xff\xff"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 * 1024


def test_the_limit_itself_is_allowed_and_one_more_is_not():
    reader = FrameReader(limit=10)
    frames = reader.frames(b"\0\0\0\x0a" + b"x" * 10 + b"\0\0\0\x0b")
    assert next(frames) == b"x" * 10
    with pytest.raises(FrameTooLarge):
        next(frames)


def test_half_a_frame_is_known_to_be_half():
    reader = FrameReader()
    assert not reader.is_mid_frame
    assert list(reader.frames(b"\0")) == []
    assert reader.is_mid_frame


def test_a_message_over_the_largest_frame_is_not_encoded():
    entry = m.Entry(1, EntryKind.MESSAGE, 0, bytes(LIMIT_AFTER_LOGIN), 0)
    with pytest.raises(FrameTooLarge):
        encode_frame(m.EntriesPush(bytes(16), [entry]))


def test_a_frame_is_its_length_and_its_body():
    frame = encode_frame(m.Ping(7))
    assert frame == b"\0\0\0\x07\x92\xa4ping\x07"
