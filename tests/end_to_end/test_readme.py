"""The Python of the README and of the x-ray's page runs as it is printed, against a real server."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from end_to_end_world import PASSWORD, PATIENCE, World

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("page", "printed"),
    [
        ("README.md", "alice: Hi everyone!\n"),
        ("docs/xray.md", "AES-256-GCM generation 0\n334 bytes at the server, the same: True\n"),
    ],
)
def test_the_program_of_a_page_runs(world: World, page: str, printed: str) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", (REPOSITORY / page).read_text("utf-8"), re.DOTALL)
    home = {"SOTTOVOCE_HOME": str(world.home("alice"))}
    login = {"SOTTOVOCE_PASSWORD": PASSWORD, "LINK": world.server.link}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**world.server.env, **home, **login},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == printed
