from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sottovoce.tui.widgets.composer_memory import (
    MOST_CHARACTERS,
    MOST_LINES,
    NOTHING_TYPED,
    ComposerMemory,
    Draft,
    RoomLines,
    clean,
)

LOBBY, OFFICE = b"l" * 16, b"o" * 16


def with_history(*texts: str) -> RoomLines:
    lines = RoomLines()
    for text in texts:
        lines.edit(Draft.ending(text))
        lines.sent()
    return lines


def reachable(lines: RoomLines) -> set[str]:
    """What a person finds by walking to the beginning and back, which leaves all as it was."""
    steps, before = 0, lines.shown.text
    texts = {before}
    while (older := lines.older()) is not None:
        texts.add(older.text)
        steps += 1
    for _ in range(steps):
        lines.newer()
    assert lines.shown.text == before
    steps = 0
    while (newer := lines.newer()) is not None:
        texts.add(newer.text)
        steps += 1
    for _ in range(steps):
        lines.older()
    return texts


class Writing(RuleBasedStateMachine):
    """Whatever is done, a text that somebody wrote and did not change or send can be found again.

    ``wanted`` holds, for each room, each text that was left standing: sent, walked away from, or come back.
    """

    texts = st.text("ab\n", min_size=1, max_size=4).filter(str.strip)

    @initialize()
    def begin(self) -> None:
        self.memory = ComposerMemory()
        self.here = LOBBY
        self.wanted: dict[bytes, set[str]] = {LOBBY: set(), OFFICE: set()}
        self.in_progress = {LOBBY: "", OFFICE: ""}  # the draft: a person may change it to anything

    @property
    def lines(self) -> RoomLines:
        return self.memory.room(self.here)

    @rule(text=texts, column=st.integers(0, 4))
    def write(self, text: str, column: int) -> None:
        if self.lines.is_walking and text != self.lines.shown.text:
            self.wanted[self.here].add(self.in_progress[self.here])
        if not self.lines.is_walking or text != self.lines.shown.text:
            self.in_progress[self.here] = text
        self.lines.edit(Draft(text, 0, column))
        assert self.lines.shown.text == text

    @rule()
    def clear(self) -> None:
        if not self.lines.is_walking:
            self.in_progress[self.here] = ""
            self.lines.edit(NOTHING_TYPED)

    @rule()
    def up(self) -> None:
        self.lines.older()

    @rule()
    def down(self) -> None:
        self.lines.newer()

    @rule()
    def down_to_the_draft(self) -> None:
        while self.lines.newer() is not None:
            pass
        assert self.lines.shown.text == self.in_progress[self.here]

    @precondition(lambda self: self.lines.shown.text.strip())
    @rule()
    def send(self) -> None:
        self.wanted[self.here].add(self.lines.shown.text)
        if not self.lines.is_walking:
            self.in_progress[self.here] = ""
        assert self.lines.sent().text == self.in_progress[self.here]

    @rule(room=st.sampled_from([LOBBY, OFFICE]), text=texts)
    def come_back(self, room: bytes, text: str) -> None:
        back = self.memory.room(room).take_back(text)
        assert back.text.startswith(text)
        assert back.text.endswith(self.in_progress[room])
        self.in_progress[room] = back.text

    @rule()
    def switch(self) -> None:
        self.lines.leave()
        self.here = OFFICE if self.here == LOBBY else LOBBY
        assert self.lines.shown.text == self.in_progress[self.here]

    @rule()
    def start_again(self) -> None:
        later = ComposerMemory()
        later.load_drafts(self.memory.drafts())
        for room in (LOBBY, OFFICE):
            later.load_history(room, self.memory.history(room))
        self.memory = later

    @invariant()
    def nothing_is_lost(self) -> None:
        for room, wanted in self.wanted.items():
            found = reachable(self.memory.room(room))
            assert {*wanted, self.in_progress[room]} - {""} <= found


Writing.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestWriting = Writing.TestCase


def test_the_draft_comes_back_with_its_cursor() -> None:
    lines = with_history("sent")
    lines.edit(Draft("draft", 0, 2))
    lines.older()
    assert lines.newer() == Draft("draft", 0, 2)


def test_a_line_of_the_history_can_be_sent_again_while_the_draft_waits() -> None:
    lines = with_history("one", "two")
    lines.edit(Draft.ending("draft"))
    lines.older()
    lines.older()
    assert lines.sent() == Draft.ending("draft")
    assert lines.history == ["two", "one"]


def test_a_changed_line_of_the_history_is_the_draft_and_the_old_draft_is_one_up() -> None:
    lines = with_history("one")
    lines.edit(Draft.ending("draft"))
    lines.older()
    lines.edit(Draft.ending("one more"))
    assert lines.draft.text == "one more"
    assert lines.older() == Draft.ending("draft")
    assert lines.newer() == Draft.ending("one more")


def test_going_up_shows_the_first_row_and_going_down_the_last() -> None:
    lines = with_history("a\nbc", "x")
    lines.older()
    assert lines.older() == Draft("a\nbc", 0, 1)
    lines.older()
    lines.newer()
    lines.older()
    assert lines.newer() == Draft.ending("x")


def test_the_same_line_is_in_the_history_once() -> None:
    assert with_history("a", "b", "a").history == ["b", "a"]


def test_the_oldest_lines_go_first() -> None:
    assert with_history(*map(str, range(MOST_LINES + 5))).history[0] == "5"
    large = "x" * (MOST_CHARACTERS // 2)
    assert with_history("small", large, large + "y").history == [large + "y"]


def test_lines_from_before_stand_before_those_of_now_without_moving_who_walks() -> None:
    memory = ComposerMemory()
    kept = memory.room(LOBBY)
    for text in ("old", "both"):
        kept.edit(Draft.ending(text))
        kept.sent()
    history = memory.history(LOBBY)
    later = ComposerMemory()
    lines = later.room(LOBBY)
    for text in ("both", "new"):
        lines.edit(Draft.ending(text))
        lines.sent()
    lines.older()
    later.load_history(LOBBY, history)
    assert lines.history == ["old", "both", "new"]
    assert lines.shown.text == "new"


def test_what_is_typed_already_is_not_replaced_by_a_kept_draft() -> None:
    memory, later = ComposerMemory(), ComposerMemory()
    memory.room(LOBBY).edit(Draft.ending("kept"))
    memory.room(OFFICE).edit(Draft("kept too", 0, 3))
    later.room(LOBBY).edit(Draft.ending("typed"))
    later.load_drafts(memory.drafts())
    assert later.room(LOBBY).shown.text == "typed"
    assert later.room(OFFICE).shown == Draft("kept too", 0, 3)


def test_of_a_room_that_was_left_nothing_is_kept() -> None:
    memory, later = ComposerMemory(), ComposerMemory()
    for room_id in (LOBBY, OFFICE):
        memory.room(room_id).edit(Draft.ending("sent"))
        memory.room(room_id).sent()
        memory.room(room_id).edit(Draft.ending("begun"))
    later.load_drafts(memory.drafts(), {LOBBY})
    assert [later.room(room_id).shown.text for room_id in (LOBBY, OFFICE)] == ["begun", ""]
    memory.forget(OFFICE)
    memory.forget(b"never heard of")
    assert memory.new_histories() == [LOBBY]
    assert memory.drafts() == later.drafts()
    assert memory.room(OFFICE).history == []


@pytest.mark.parametrize("kept", [b"", b"\xc1", b"\x93\x01\x02\x03", b"\x81\xc4\x01x\x01"])
def test_what_cannot_be_read_counts_as_nothing(kept: bytes) -> None:
    memory = ComposerMemory()
    memory.load_drafts(kept)
    memory.load_history(LOBBY, kept)
    assert (memory.drafts(), memory.room(LOBBY).history) == (b"\x80", [])


def test_a_history_is_to_be_kept_when_it_has_new_lines() -> None:
    memory, later = ComposerMemory(), ComposerMemory()
    memory.room(OFFICE)
    memory.room(LOBBY).edit(Draft.ending("one"))
    assert memory.new_histories() == []
    memory.room(LOBBY).sent()
    assert memory.new_histories() == [LOBBY]
    later.load_history(LOBBY, memory.history(LOBBY))
    assert memory.new_histories() == later.new_histories() == []
    later.room(LOBBY).edit(Draft.ending("put aside"))
    later.room(LOBBY).older()
    later.room(LOBBY).edit(Draft.ending("one!"))
    later.load_history(LOBBY, memory.history(LOBBY))
    assert later.new_histories() == [LOBBY]


def test_kept_texts_are_sanitized() -> None:
    memory, later = ComposerMemory(), ComposerMemory()
    memory.room(LOBBY).edit(Draft.ending("a\x1b[31mb"))
    memory.room(LOBBY).sent()
    memory.room(LOBBY).edit(Draft.ending("\u202ec"))
    later.load_drafts(memory.drafts())
    later.load_history(LOBBY, memory.history(LOBBY))
    assert (later.room(LOBBY).history, later.room(LOBBY).shown.text) == (["ab"], "c")


def test_cleaning_keeps_columns_and_cuts_nothing() -> None:
    assert clean("\ta\n" * 40_000) == "    a\n" * 40_000
