"""Settings: the file is weakest, then the environment, then flags."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sottovoce.server.config import load_config, settings
from sottovoce.server.errors import BadConfiguration


def test_the_order_of_strength(tmp_path):
    file = tmp_path / "server.toml"
    file.write_text('port = 1000\nhost = "0.0.0.0"\nregistration = "open"\nallow = ["10.0.0.0/8"]\n')
    config = load_config(
        file,
        {"SOTTOVOCE_PORT": "2000", "SOTTOVOCE_HOST": "::", "SOTTOVOCE_DEBUG": "true"},
        {"port": 3000, "data": None},
    )
    assert (config.port, config.host, config.registration) == (3000, "::", "open")
    assert (config.debug, config.allow) == (True, ("10.0.0.0/8",))


def test_texts_become_what_the_settings_are():
    config = load_config(None, {"SOTTOVOCE_DATA": "~/x", "SOTTOVOCE_DENY": "10.0.0.0/8, ::1"}, {})
    assert config.data == Path.home() / "x"
    assert config.deny == ("10.0.0.0/8", "::1")
    assert load_config(None, {}, {"data": Path("y")}).data == Path("y")


@pytest.mark.parametrize(
    "flags",
    [
        {"port": 70000}, {"port": "x"}, {"registration": "maybe"}, {"allow": "not a network"}, {"data": 5},
        {"tls_key": "only-the-key.pem"}, {"nonsense": 1}, {"retention_days": 31},
        {"turn_seconds": "inf"}, {"stall_seconds": "nan"}, {"messages_per_second": "inf"},
        {"public_host": "my host"}, {"public_host": "chat.example\n"}, {"public_host": ""},
    ],
)  # fmt: skip
def test_bad_values_are_told_in_a_sentence(flags):
    with pytest.raises(BadConfiguration) as error:
        load_config(None, {}, flags)
    assert str(error.value).endswith(".")


def test_bad_files_are_told_in_a_sentence(tmp_path):
    with pytest.raises(BadConfiguration, match="cannot be read"):
        load_config(tmp_path / "missing.toml", {}, {})
    bad = tmp_path / "bad.toml"
    for content in (b"port = [", b"\xff\xfe"):
        bad.write_bytes(content)
        with pytest.raises(BadConfiguration, match="not valid TOML"):
            load_config(bad, {}, {})
    bad.write_text("colour = 1")
    with pytest.raises(BadConfiguration, match="colour"):
        load_config(bad, {}, {})


def test_every_setting_is_documented():
    for setting in settings():
        assert setting.description.endswith("."), setting.name
        assert setting.flag == "--" + setting.name.replace("_", "-")
        assert setting.environment == "SOTTOVOCE_" + setting.name.upper()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"registration": "maybe"}, "registration: it does not take 'maybe'"),
        ({"port": "abc"}, "port: "),
        ({"allow": "everybody"}, "'everybody' does not appear to be an IPv4 or IPv6 network"),
    ],
)
def test_a_bad_value_is_told_by_the_settings_name(flags, said):
    with pytest.raises(BadConfiguration, match=re.escape(said)):
        load_config(None, {}, flags)
