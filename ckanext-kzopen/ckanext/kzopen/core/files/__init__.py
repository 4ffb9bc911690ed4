"""Stored files under one address: a folder of this machine (`file://`) or a bucket (`s3://`).

A name is a relative path with slashes. A file is there whole or not at all, and is never written twice: what changes gets
another name. Readers always get a path on this machine; behind a bucket that is a copy, kept in a cache of limited size.
"""

from ckanext.kzopen.core.files.disk import Disk
from ckanext.kzopen.core.files.kinds import Entry, Files, UnknownStore, is_away, of

__all__ = ["Disk", "Entry", "Files", "UnknownStore", "is_away", "of"]
