"""A small service beside an agency's database: it sends what has changed in its tables to a kzopen portal.

Python's standard library only, plus the driver of the database (SQLite needs none).
"""

__version__ = "0.1.0"
