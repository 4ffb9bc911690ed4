"""A process that changes documents for ever and says what was committed: `python -m tests.faults.changing DATABASE FILE`."""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path

from ckanext.kzopen.search import document, store
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

DOCUMENTS = 200
SITE = "test"
PAUSE = 0.05


def main() -> None:
    """Versions only grow: they begin with the time, so a process that takes over goes on above its predecessor's."""
    database, said = create_engine(sys.argv[1], poolclass=NullPool), Path(sys.argv[2])
    while True:
        try:
            with database.connect() as connection, said.open("a", encoding="utf-8") as file:
                while True:
                    name, version = f"n{random.randrange(DOCUMENTS)}", time.time_ns()
                    source = {"id": name, "name": name, "version": str(version), "title": f"title of {name}"}
                    with connection.begin():
                        store.put(connection, document.from_solr(source, SITE))
                    file.write(json.dumps([name, version]) + "\n")
                    file.flush()
        except SQLAlchemyError:
            time.sleep(PAUSE)


if __name__ == "__main__":
    main()
