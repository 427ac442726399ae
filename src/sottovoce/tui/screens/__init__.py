"""Modal screens: view data in, a result out by ``dismiss``; none of them knows the SDK."""
