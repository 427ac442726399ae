from __future__ import annotations

from textual._xterm_parser import XTermParser
from textual.events import Key

import sottovoce.tui.widgets.composer_field as field


def test_alt_enter_of_an_old_terminal_is_the_key_of_a_new_line() -> None:
    keys = [event.key for event in XTermParser().feed("\x1b\ra") if isinstance(event, Key)]
    assert keys == ["ctrl+j", "a"]
    assert field.NEW_LINE_KEYS.split(",").count(keys[0]) == 1
