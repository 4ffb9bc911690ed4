"""Who does not wait for the index within a block waits at its end for all that was left there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ckanext.kzopen.search import listeners
from ckanext.kzopen.search.changes import Changes, unhurried


@pytest.mark.parametrize("left", [Changes(rows=[1], stale_rows=[2, 3]), Changes(rows=[1]), Changes(stale_rows=[2])])
def test_all_that_was_committed_in_the_block_is_followed_at_its_end(monkeypatch: pytest.MonkeyPatch, left: Changes) -> None:
    followed: list[Changes] = []
    monkeypatch.setattr(listeners, "follow", followed.append)
    session: Any = SimpleNamespace(info={})
    root: Any = SimpleNamespace(parent=None)

    def commit() -> None:
        session.info[listeners._COMMITTED] = left
        listeners._after_transaction_end(session, root)

    with listeners.followed_at_the_end(session):
        commit()
        assert followed == []
    assert followed == [left]

    with unhurried(session), listeners.followed_at_the_end(session):
        commit()
    assert followed == [left]
