"""Opening a web address in the browser of the desktop."""

from __future__ import annotations

import os
import sys
import webbrowser


def open_in_browser(url: str) -> bool:
    """Open ``url`` in a browser with a window; False where there is none.

    One that runs in the terminal is not asked: it would take the terminal from the app.
    """
    has_windows = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    return has_windows and webbrowser.open(url)
