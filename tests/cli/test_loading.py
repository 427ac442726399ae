import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest

from sottovoce.cli.loading import collector_paused


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_the_collector_rests_meanwhile_and_works_afterwards() -> None:
    before = gc.get_freeze_count()

    def load() -> None:
        with collector_paused():
            assert not gc.isenabled()
            raise ImportError

    with pytest.raises(ImportError):
        load()
    assert gc.isenabled()
    assert gc.get_freeze_count() > before


def test_who_has_switched_it_off_keeps_it_off() -> None:
    gc.disable()
    with collector_paused():
        pass
    assert not gc.isenabled()


def test_a_command_starts_with_what_it_loaded_set_aside_and_the_collector_on() -> None:
    script = (
        "import gc, sottovoce.cli.main as module;"
        "load = module.import_module;"
        "module.import_module = lambda name: (print(gc.isenabled()), load(name))[1];"
        "module.main(['keygen', '--help']); print(gc.isenabled(), gc.get_freeze_count() > 1000)"
    )
    shown = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert shown.splitlines()[0] == "False"
    assert shown.splitlines()[-1] == "True True"


def test_a_chat_through_a_pipe_loads_nothing_for_terminals_and_codes() -> None:
    unused = {"sottovoce.cli.line_editor", "segno", "importlib.metadata", "sottovoce.server"}
    script = (
        "import sys, sottovoce.cli.main, sottovoce.cli.chat, sottovoce.client.client;"
        f"print(sorted({unused!r} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert shown == "[]\n"
