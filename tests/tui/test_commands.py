from sottovoce.tui.commands import BY_NAME, COMMANDS, bindings, find_command, key_hints, slash_commands
from sottovoce.tui.completion import SlashCommand


def test_no_key_and_no_name_stands_for_two_commands() -> None:
    keys = [key for command in COMMANDS for key in command.keys]
    assert len(keys) == len(set(keys))
    assert len(BY_NAME) == len(COMMANDS)


def test_every_command_of_line_mode_is_there_by_the_same_name() -> None:
    for name in ("who", "why", "verify", "invite", "add", "remove", "leave", "help", "quit"):
        assert find_command(name) is not None


def test_other_words_lead_to_the_same_commands() -> None:
    assert find_command("alarms") is BY_NAME["why"]
    assert find_command("nonsense") is None


def test_what_has_a_key_is_bound_and_what_has_a_name_is_completed() -> None:
    assert {binding.id for binding in bindings()} == {command.name for command in COMMANDS if command.keys}
    assert SlashCommand("verify", BY_NAME["verify"].words, "NAME", takes_member=True) in slash_commands()
    assert BY_NAME["verify"].slash == "/verify NAME"


def test_the_footer_has_each_of_its_commands_once_and_the_way_out_early() -> None:
    hints = key_hints()
    named = [hint.command for hint in hints if hint.command]
    assert sorted(named) == sorted(command.name for command in COMMANDS if command.footer)
    assert "quit" in named[:5]
    assert "Esc Read" in [f"{hint.key} {hint.words}" for hint in hints[:6]]
