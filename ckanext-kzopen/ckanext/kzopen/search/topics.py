"""What the outbox carries for search, and the names under which it is read."""

from __future__ import annotations

CHANGED = "search.document"
"""Topic: the document with this key was written or removed."""
REBUILD = "search.rebuild"
"""Topic: build the whole index anew from the document table."""
INDEX = "search"
"""Consumer of CHANGED and REBUILD: the indexer."""

STALE = "package.stale"
"""Topic: the document of this package must be computed anew."""
STALE_THING = "search.stale"
"""Topic: the document of this thing of another section (`kind:id`) must be computed anew."""
RECOMPUTE = "search.recompute"
"""Consumer of STALE and STALE_THING: whoever has CKAN loaded."""
DRAINING = 0x6B7A64726E
"""Advisory lock of PostgreSQL that processes share while they compute what waits ("kzdrn")."""
