"""Continuous archiving: a folder, on another disk, from which the portal of any moment can be made again.

It holds series, each of one database without a break (see `place`). In a series `owner.json` tells the portal's address and
`complete.json` up to which moment all is there. `wal/` holds PostgreSQL's log, segment by segment; `base/` copies of the
whole database server to begin from; `files/`, `storage/` and `record/` the portal's files, each as long as a moment that can
be restored needs it; `secrets.json` what opens them. PostgreSQL fills `wal/` by itself, the process `archiver` does the rest
once a minute: files first, the log after them, so no moment is told whose files are missing.
"""
