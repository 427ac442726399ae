"""The x-ray (F2): one message in its layers, from the text to the bytes that the server stores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from sottovoce.tui.life import Layer, Life
from sottovoce.tui.safe_text import Safe
from sottovoce.tui.widgets.byte_picture import BytePicture
from sottovoce.tui.widgets.fact_list import FactList

WIDE: Final = 110
"""Columns from which on the server's bytes stand beside each layer."""

_QUIET: Final = "$foreground-muted"
_GAP: Final = 2  # columns between two names
_HINTS: Final = (
    "← → layer · ↑ ↓ PgUp PgDn scroll · Esc close",
    "← → layer · ↑ ↓ more · Esc close",
)
_ROOM_FOR_ALL_HINTS: Final = 60  # columns


class LayerNames(Widget):
    """The layers' names in one row; where they do not fit, the present one with its number."""

    DEFAULT_CSS = "LayerNames { height: 1; width: 1fr; }"
    current: reactive[int] = reactive(0)

    class Chosen(Message):
        """A name was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index: Final = index

    def __init__(self, names: Sequence[Safe]) -> None:
        super().__init__()
        self._names: Final = tuple(names)

    @property
    def _fits(self) -> bool:
        return sum(map(len, self._names)) + _GAP * (len(self._names) - 1) <= self.content_size.width

    def render(self) -> Content:
        """The names, the present one marked."""
        name = self._names[self.current]
        if not self._fits:
            before, after = Content.styled("< ", _QUIET), Content.styled(" >", _QUIET)
            number = f"{self.current + 1}/{len(self._names)} "
            return Content.assemble(before, number, (name, "bold reverse"), after)
        parts = [
            Content.styled(other, "bold reverse" if index == self.current else _QUIET)
            for index, other in enumerate(self._names)
        ]
        return Content(" " * _GAP).join(parts)

    def on_click(self, event: events.Click) -> None:
        """Choose the name under the pointer; where there is one alone, its halves are before and after."""
        if not self._fits:
            step = -1 if event.x < self.content_size.width // 2 else 1
            self.post_message(self.Chosen(self.current + step))
            return
        ends = accumulate(len(name) + _GAP for name in self._names)
        index = next((index for index, end in enumerate(ends) if event.x < end), len(self._names) - 1)
        self.post_message(self.Chosen(index))


class XrayScreen(ModalScreen[None]):
    """Shows a :class:`~sottovoce.tui.life.Life`; Left and Right go from layer to layer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,f2", "dismiss", "Close", priority=True),
        Binding("left,shift+tab,h", "step(-1)", "Before", priority=True),
        Binding("right,tab,l", "step(1)", "Next", priority=True),
        Binding("home", "go(0)", show=False, priority=True),
        Binding("end", "go(-1)", show=False, priority=True),
        Binding("up,k", "scroll(-1)", show=False, priority=True),
        Binding("down,j", "scroll(1)", show=False, priority=True),
        Binding("pageup", "page(-1)", show=False, priority=True),
        Binding("pagedown,space", "page(1)", show=False, priority=True),
        *(Binding(str(number), f"go({number - 1})", show=False, priority=True) for number in range(1, 9)),
    ]

    DEFAULT_CSS = """
    XrayScreen {
        background: $background;
        .frame {
            border: round $border;
            border-title-color: $text;
            border-title-style: bold;
            border-subtitle-color: $text-muted;
            background: $surface;
            padding: 0 1;
        }
        .panes { height: 1fr; }
        .layer { width: 1fr; height: 1fr; scrollbar-size-vertical: 1; }
        .server { width: 1fr; height: 1fr; scrollbar-size-vertical: 1; display: none;
                  border-left: solid $border; padding-left: 1; }
        &.-wide .server { display: block; }
        &.-wide LayerNames { margin-bottom: 1; }
        .paragraph { width: 1fr; height: auto; margin-bottom: 1; }
        .title { text-style: bold; color: $text-primary; }
        .alarm { color: $text-error; text-style: bold; }
        .told { background: $panel; padding: 0 1; }
        .quiet { color: $text-muted; }
    }
    """

    def __init__(self, life: Life) -> None:
        super().__init__()
        self._life: Final = life

    def compose(self) -> ComposeResult:
        """The names above, the layer below, the server's bytes beside it where there is room."""
        with Vertical(classes="frame") as frame:
            frame.border_title = Content("X-ray of a message")
            yield LayerNames([layer.name for layer in self._life.layers])
            with Horizontal(classes="panes"):
                yield VerticalScroll(classes="layer", can_focus=False)
                with VerticalScroll(classes="server", can_focus=False):
                    yield from _server(self._life)

    async def on_mount(self) -> None:
        """Begin with the text."""
        await self._show()

    def on_resize(self, event: events.Resize) -> None:
        """Put the server's bytes beside the layer, or leave them to the last layer."""
        self.set_class(event.size.width >= WIDE, "-wide")
        is_narrow = event.size.width < _ROOM_FOR_ALL_HINTS
        self.query_one(".frame").border_subtitle = Content(_HINTS[is_narrow])

    @on(LayerNames.Chosen)
    async def _choose(self, event: LayerNames.Chosen) -> None:
        await self._go(event.index)

    async def action_step(self, by: int) -> None:
        """Go to the layer outside this one, or inside it."""
        await self._go(self.query_one(LayerNames).current + by)

    async def action_go(self, index: int) -> None:
        """Go to a layer by its number; -1: the last."""
        await self._go(index if index >= 0 else len(self._life.layers) - 1)

    def action_scroll(self, by: int) -> None:
        """Scroll the layer by rows."""
        self.query_one(".layer").scroll_relative(y=by, animate=False)

    def action_page(self, by: int) -> None:
        """Scroll the layer by its height."""
        layer = self.query_one(".layer")
        layer.scroll_relative(y=by * max(1, layer.size.height - 1), animate=False)

    async def _go(self, index: int) -> None:
        names = self.query_one(LayerNames)
        wanted = min(max(index, 0), len(self._life.layers) - 1)
        if wanted != names.current:
            names.current = wanted
            await self._show()

    async def _show(self) -> None:
        pane = self.query_one(".layer", VerticalScroll)
        layer = self._life.layers[self.query_one(LayerNames).current]
        async with self.batch():
            await pane.remove_children()
            await pane.mount_all(_widgets(layer))
        pane.scroll_home(animate=False)


def _widgets(layer: Layer) -> Iterator[Widget]:
    yield Static(Content(layer.title), classes="title", markup=False)
    yield Static(Content(layer.teaching), classes="paragraph", markup=False)
    if layer.alarm:
        yield Static(Content(layer.alarm), classes="paragraph alarm", markup=False)
    if layer.facts:
        yield FactList(layer.facts)
    if layer.text:
        yield Static(Content(layer.text), classes="paragraph told", markup=False)
    for picture in layer.pictures:
        yield BytePicture(picture)


def _server(life: Life) -> Iterator[Widget]:
    yield Static(Content("What the server has of it"), classes="title", markup=False)
    if life.server is None:
        yield Static(Content(life.missing), classes="paragraph alarm", markup=False)
        return
    yield Static(
        Content("All of it. Not a word of it can be read there."), classes="paragraph quiet", markup=False
    )
    yield BytePicture(life.server)
