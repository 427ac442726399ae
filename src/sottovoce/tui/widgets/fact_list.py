"""Names, values and what they mean, in columns where there is room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.cells import cell_len
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from sottovoce.tui.life import Fact

_ROOMY: Final = 60
"""Columns from which on the names have a column of their own."""

_INDENT: Final = 2


class FactList(Widget):
    """One fact below the other; what does not fit beside its name or value goes below, set in."""

    DEFAULT_CSS = "FactList { height: auto; width: 1fr; margin-bottom: 1; }"

    def __init__(self, facts: Sequence[Fact]) -> None:
        super().__init__()
        self._facts: Final = tuple(facts)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's
        """As many rows as it takes at this width."""
        return len(list(self._lines(width)))

    def render(self) -> Content:
        """All of them."""
        return Content("\n").join(self._lines(self.content_size.width))

    def _lines(self, width: int) -> Iterator[Content]:
        longest = max((cell_len(fact.name) for fact in self._facts), default=0)
        column = longest + _INDENT if width >= _ROOMY else 0
        for fact in self._facts:
            yield from _lines_of(fact, column, max(width, 1))


def _lines_of(fact: Fact, column: int, width: int) -> Iterator[Content]:
    name = Content.styled(fact.name if column else f"{fact.name}:", "$text-accent")
    name = name.pad_right(max(1, column - name.cell_length))
    value, meaning = Content.styled(fact.value, "bold"), Content.styled(fact.meaning, "$foreground-muted")
    beside = name.cell_length + value.cell_length + _INDENT + meaning.cell_length
    if beside <= width:
        yield Content.assemble(name, value, " " * _INDENT, meaning).rstrip()
        return
    first, *more = value.wrap(max(1, width - name.cell_length))
    yield Content.assemble(name, first)
    indent = " " * (column or _INDENT)
    below = [*more, *(meaning.wrap(width - len(indent)) if fact.meaning else ())]
    yield from (Content.assemble(indent, line) for line in below)
