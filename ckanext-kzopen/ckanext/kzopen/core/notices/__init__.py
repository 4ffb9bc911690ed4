"""Notices: who wants to be told what, and when they were."""
