"""The embedded engine: an index in a folder, written by one process and read by all."""
