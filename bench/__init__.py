"""Benchmarks: each a command, `./kzopen bench NAME`, that prints its figures against a bar or a peer in the same run."""
