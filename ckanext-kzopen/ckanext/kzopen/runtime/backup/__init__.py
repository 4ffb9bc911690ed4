"""`./kzopen backup` and `./kzopen restore`: one archive of everything that a portal keeps, made while it runs.

The archive is a tar: `main.dump` and `datastore.dump` (pg_dump's format, of one moment), `files/…` and `storage/…` (stored
files and CKAN's uploads), `record/…` (the record's keys and journal), and `manifest.json` at the end, which tells size and
SHA-256 of all others: without it the archive was cut off. The portal's secrets lie in a file of their own beside it: both
together are enough to sign in the portal's name and to read second factors.

Not in it: what is made anew from the rest (DataStore's tables of versions, the search index), sessions and counters of Valkey,
logs, `kzopen.toml`.
"""
