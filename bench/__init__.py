"""`make bench-mls`: the same MLS operations here and in ts-mls, in one run."""
