"""The least a program on a terminal can do: draw what is typed. What it takes is this machine's share."""

from __future__ import annotations

import os
import sys
import termios
import tty


def main() -> None:
    """Echo until the terminal is closed."""
    before = termios.tcgetattr(sys.stdin)
    tty.setraw(sys.stdin)
    try:
        os.write(1, b"ready")
        while octets := os.read(0, 4096):
            os.write(1, octets)
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


if __name__ == "__main__":
    main()
