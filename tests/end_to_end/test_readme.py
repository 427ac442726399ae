"""The README's Python runs as it is printed, against a real server."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from end_to_end_world import PASSWORD, World

README = Path(__file__).parents[2] / "README.md"


def test_the_ten_lines_of_python_run(world: World) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    home = {"SOTTOVOCE_HOME": str(world.home("alice"))}
    login = {"SOTTOVOCE_PASSWORD": PASSWORD, "LINK": world.server.link}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**world.server.env, **home, **login},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "alice: Hi everyone!\n"
