"""`sottovoce demo` is a real run that checks itself and needs nobody at a terminal."""

from __future__ import annotations

import subprocess

from end_to_end_world import COMMAND, PATIENCE


def test_the_demo_shows_each_line_beside_what_the_server_stored() -> None:
    done = subprocess.run(
        [*COMMAND, "demo"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Hi everyone!" in done.stdout
    assert "TLSv1.3" in done.stdout
    assert "MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519" in done.stdout
    assert "Traceback" not in done.stderr
