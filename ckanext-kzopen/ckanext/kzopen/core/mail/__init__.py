"""Outgoing mail: queued in the caller's transaction, sent once, retried, in the reader's language."""
