"""Bound keys of a field, done before the next key is looked at.

Left to Textual, a bound key goes up to the app and comes back when the letters typed after it are in the
field already: Enter would send some of the next message too, and Ctrl+U delete what was typed after it.
"""

from __future__ import annotations

from textual import events
from textual.widget import Widget


async def act_on(key: events.Key, field: Widget) -> bool:
    """Do what ``field`` itself binds the key to; tell whether it did. Then nobody else is told of the key."""
    for binding in field._bindings.key_to_bindings.get(key.key, ()):  # noqa: SLF001 - Textual tells it no other way
        if await field.app.run_action(binding.action, field):
            key.stop()
            key.prevent_default()
            return True
    return False
