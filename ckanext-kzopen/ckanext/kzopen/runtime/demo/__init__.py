"""Demonstration content of our own, and the loader that brings it, or a folder of real files, through the public API."""
