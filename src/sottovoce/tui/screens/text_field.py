"""Fields to type or paste one line into: what is pasted is text from outside, so it is cleaned (E1)."""

from __future__ import annotations

from textual import events
from textual.widgets import Input

from sottovoce.client.sanitize import sanitize
from sottovoce.tui.keys_in_order import act_on


class Field(Input):
    """An input that has done each key before the next is looked at, however fast they come."""

    async def _on_key(self, event: events.Key) -> None:
        await act_on(event, self)


class TextField(Field):
    """An input that holds nothing a terminal would act on. A paste of several lines becomes one."""

    def validate_value(self, value: str) -> str:
        """Clean whatever becomes the value."""
        return sanitize(value)

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.replace(sanitize(self.joined(event.text)), *self.selection)

    def joined(self, pasted: str) -> str:
        """Return a paste as one line, blanks for its line breaks."""
        return " ".join(pasted.split())


class LinkField(TextField):
    """The same for links, which are often torn into lines on their way: the parts are put together again."""

    def joined(self, pasted: str) -> str:
        """Return a paste without any blanks and line breaks."""
        return "".join(pasted.split())


class PasswordField(Field):
    """An input that hides what is typed. What a terminal would act on is kept as it is, and never shown."""

    def __init__(self, value: str = "", *, id: str) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(value, id=id, password=True)

    def validate_value(self, value: str) -> str:
        """Hide the field before it holds something that cannot be shown."""
        if sanitize(value) != value:
            self.password = True
        return value
