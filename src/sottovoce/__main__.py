"""``python -m sottovoce`` is the ``sottovoce`` command."""

import sys

from sottovoce.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
