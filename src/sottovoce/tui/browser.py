"""Opening a web address in the browser of the desktop."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from typing import Final

_OPENERS: Final = ("xdg-open", "x-www-browser", "firefox", "chromium")


def open_in_browser(url: str) -> bool:
    """Have the desktop open ``url``; False where there is no desktop, or nothing that opens it.

    The browser has no part in the terminal: what it writes, and a page can have a say in that, would be
    acted on there (threat E1), and one that runs in a terminal would take the keys from the app.
    """
    if sys.platform == "win32":
        os.startfile(url)  # noqa: S606 - no shell, and an address that was judged
        return True
    command = _opener()
    if command is None:
        return False
    try:
        running = subprocess.Popen(  # noqa: S603 - no shell, and an address that was judged
            [command, url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    threading.Thread(target=running.wait, name="browser", daemon=True).start()
    return True


def _opener() -> str | None:
    if sys.platform == "darwin":
        return shutil.which("open")
    if not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")):
        return None
    return next(filter(None, map(shutil.which, _OPENERS)), None)
