from sottovoce.tui.safe_text import cut, safe, safe_lines, safe_name, words

HOSTILE = "\x1b]0;owned\x07a\x1b[31m\nb\u202ec"


def test_text_from_outside_is_one_line_without_control_characters() -> None:
    assert safe(HOSTILE) == "a bc"


def test_line_breaks_stay_where_they_are_wanted() -> None:
    assert safe_lines(HOSTILE) == "a\nbc"


def test_a_name_that_is_not_ascii_is_isolated_and_every_name_is_short() -> None:
    assert safe_name("אבג\n") == "\u2068אבג \u2069"
    assert safe_name("x" * 1000) == "\u2068" + "x" * 63 + "…\u2069"


def test_what_is_cut_does_not_turn_what_stands_beside_it() -> None:
    name = safe_name("אבג דהו")
    assert cut(name, 7) == name
    assert cut(name, 6) == "\u2068אבג ד…\u2069"
    title = words("Leave {room} and {other}?", room=name, other=name)
    assert cut(title, 20) == "Leave \u2068אבג דהו\u2069 and \u2068א…\u2069"
    assert cut(title, 10) == "Leave \u2068אבג…\u2069"
    assert cut(safe("a long room"), 5) == "a lo…"
