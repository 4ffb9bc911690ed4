"""Emergency withdrawal: one action takes a thing out of every place where it may lie."""
