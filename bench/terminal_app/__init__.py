"""The terminal app, measured: on a real terminal (``python -m bench.terminal_app``), and frame by frame."""
