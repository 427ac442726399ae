import pytest

from sottovoce.tui.settings import Settings
from sottovoce.tui.settings_rows import rows, taken

THEMES = ("dark", "light")


def values_of(settings: Settings) -> dict[str, str]:
    return {row.key: row.value for row in rows(settings, THEMES)}


@pytest.mark.parametrize(
    "settings",
    [Settings(), Settings(theme="light", clock=12, time_zone="Europe/Berlin", quiet=True, bell=True)],
)
def test_what_the_rows_say_is_what_was_chosen(settings: Settings) -> None:
    assert taken(values_of(settings), Settings()) == settings


def test_every_setting_has_a_row_and_every_value_of_now_can_be_shown() -> None:
    shown = rows(Settings(), THEMES)
    assert {row.key for row in shown} == set(Settings.__struct_fields__)
    for row in shown:
        assert row.value in {value for value, _ in row.values}


def test_one_changed_row_changes_one_setting() -> None:
    assert taken({"bell": "yes"}, Settings(clock=12)) == Settings(clock=12, bell=True)
