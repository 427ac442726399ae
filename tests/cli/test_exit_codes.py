import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

import sottovoce.cli.errors
import sottovoce.client.errors
import sottovoce.server.errors
from sottovoce.cli.exit_codes import _BY_NAME, ExitCode, exit_code_of
from sottovoce.client.errors import CertificateChanged, ContentError, WrongPassword
from sottovoce.errors import InternalError, LocalError, PeerError, SottovoceError


def error_classes(module: ModuleType) -> list[type]:
    classes = [value for value in vars(module).values() if inspect.isclass(value)]
    return [cls for cls in classes if issubclass(cls, SottovoceError) and cls not in (LocalError, PeerError)]


@pytest.mark.parametrize("cls", error_classes(sottovoce.client.errors) + error_classes(sottovoce.cli.errors))
def test_every_local_refusal_has_a_code_of_its_own(cls: type) -> None:
    """What a person can put right, a script can tell apart."""
    # Commands never use a client that they have closed, a full vault stops none, and none keeps values.
    if issubclass(cls, LocalError) and cls.__name__ not in ("ClientClosed", "VaultFull", "ValueTooLong"):
        assert cls.__name__ in _BY_NAME


@pytest.mark.parametrize("cls", error_classes(sottovoce.server.errors))
def test_every_reason_not_to_start_has_one(cls: type) -> None:
    if cls.__name__ not in ("ServerStartError", "Refused"):
        assert any(kind.__name__ in _BY_NAME for kind in cls.__mro__[:-4])


def test_every_name_in_the_table_is_a_class() -> None:
    modules = (sottovoce.cli.errors, sottovoce.client.errors, sottovoce.server.errors, sottovoce.errors)
    known = {name for module in modules for name in vars(module)}
    assert set(_BY_NAME) <= known


def test_the_nearest_class_decides() -> None:
    assert exit_code_of(WrongPassword("bob")) is ExitCode.LOGIN_REFUSED
    assert exit_code_of(CertificateChanged("h", 1)) is ExitCode.CERTIFICATE_CHANGED
    assert exit_code_of(ContentError("x")) is ExitCode.PEER
    assert exit_code_of(InternalError("x")) is ExitCode.INTERNAL
    assert exit_code_of(ValueError("x")) is ExitCode.INTERNAL


def test_codes_that_mean_success_usage_and_signals_are_the_customary_ones() -> None:
    assert (ExitCode.OK, ExitCode.USAGE, ExitCode.INTERRUPTED, ExitCode.BROKEN_PIPE) == (0, 2, 130, 141)


def test_the_page_has_exactly_the_codes_of_the_program() -> None:
    page = (Path(__file__).parents[2] / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| ([A-Z0-9_]+) \| \S", page, re.MULTILINE)
    assert rows == [(str(code.value), code.name) for code in ExitCode]


def test_every_code_but_the_processs_own_is_given_to_an_error() -> None:
    by_the_process = {"OK", "INTERRUPTED", "BROKEN_PIPE", "TERMINATED"}
    assert set(_BY_NAME.values()) == {code for code in ExitCode if code.name not in by_the_process}
