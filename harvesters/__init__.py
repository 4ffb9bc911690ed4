"""Kinds of harvest sources, one file each; the class in a new file is found by itself (docs/harvesting.md)."""
