"""What is done with the rows of a large table while they are still being checked, so that nobody has to hold them all.

They are loaded into DataStore, written to the version's file and searched for personal data. Nobody sees any of it, and
nothing is left when the table turns out wrong or has to wait for a person. A worker that dies leaves a file without a name,
which the job `rows.tidy` deletes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
from ckanext.kzopen.publishing.model import Passport
from ckanext.kzopen.publishing.personal import Search
from ckanext.kzopen.publishing.settle import staging
from ckanext.kzopen.publishing.site import Site
from ckanext.kzopen.rows import store
from ckanext.kzopen.rows.reading import Drafted
from ckanext.kzopen.rows.staging import Staging
from ckanext.kzopen.rows.store import Draft
from ckanext.kzopen.validation import pieces


@dataclass(frozen=True)
class Early:
    """Where the rows go."""

    staged: Staging
    draft: Draft
    people: Search

    def take(self, rows: pa.Table) -> None:
        """The next rows."""
        self.staged.take(rows)
        self.draft.take(rows)
        self.people.take(rows)

    def table(self) -> Drafted:
        """No rows come any more: the table that they are, which is read from its file."""
        self.staged.end()
        self.draft.end()
        return Drafted.of(self.draft)

    def give_up(self) -> None:
        """What was taken does not count: it must not stand in the way of the table that is loaded in its place."""
        self.staged.give_up()
        self.draft.give_up()
        self.people.forget()


def pays(size: int) -> bool:
    """Whether a file of `size` bytes may give its rows while it is checked."""
    return size >= pieces.SMALLEST


@contextmanager
def begun(site: Site, passport: Passport) -> Iterator[Early]:
    """Places for the rows of the data set's next version; at the end what was not published is gone."""
    with staging(passport) as staged, store.drafted(site.files_url, passport.uri, passport.schema) as draft:
        yield Early(staged, draft, Search(passport.schema))
