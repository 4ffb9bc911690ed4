"""What is stored of a document, packed.

tantivy reads stored bytes one by one, at two nanoseconds each, and always all that is stored of a document: the fewer there
are, the sooner a page is there. The other fields are copies of what stands in the package dict, nearly all, so it is their
dictionary: a ninth of them remains.
"""

from __future__ import annotations

from lz4 import block


def packed(written: bytes, beside: bytes | None = None) -> bytes:
    """LZ4, with its length in front; what stands in `beside` as well takes no room."""
    return block.compress(written) if beside is None else block.compress(written, dict=beside)


def unpacked(stored: bytes, beside: bytes | None = None) -> bytes:
    """What was `packed`, with the same `beside`."""
    return block.decompress(stored) if beside is None else block.decompress(stored, dict=beside)
