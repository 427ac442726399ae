"""``sottovoce`` without the gate before its screens: the control that shows what a test would find."""

from __future__ import annotations

import sys

from sottovoce.client import sanitize as gate

gate.sanitize = lambda text, **_: text

from sottovoce.cli.main import main  # noqa: E402 - it must find the gate gone

if __name__ == "__main__":
    sys.exit(main())
