"""The end of a run: its counts add up, or it says that they do not."""

from __future__ import annotations

import pytest
from ckan import model
from ckanext.kzopen.publishing.harvest import batches, engine
from ckanext.kzopen.publishing.harvest.model import Item, Run
from ckanext.kzopen.runtime.harvest_runs import end
from sqlalchemy import delete

from tests.publishing.harvest.conftest import Harvest, counts, listed
from tests.publishing.harvest.source import Catalogue


def test_a_run_that_lost_an_item_is_inconsistent_and_is_not_made_to_fit(
    run: Run, harvest: Harvest, catalogue: Catalogue, capsys: pytest.CaptureFixture[str]
) -> None:
    catalogue.fill(3)
    listed(run)
    session = model.Session()
    session.execute(delete(Item).where(Item.run_id == run.id, Item.guid == "set-001"))
    session.commit()
    assert batches.work(session, run.id, 0)
    engine.conclude(session, run.id)
    told = harvest.get(f"/runs/{run.id}").json
    assert told["state"] == "inconsistent"
    assert counts(told) == {"seen": 3, "added": 2, "changed": 0, "unchanged": 0, "removed": 0, "failed": 0}
    with pytest.raises(SystemExit) as ended:  # of `./kzopen harvest run`
        end(told)
    assert ended.value.code == 1
    assert "seen 3, added 2" in capsys.readouterr().out


def test_a_run_whose_counts_add_up_is_finished(run: Run, harvest: Harvest, catalogue: Catalogue) -> None:
    catalogue.fill(3)
    listed(run)
    assert batches.work(model.Session(), run.id, 0)
    engine.conclude(model.Session(), run.id)
    told = harvest.get(f"/runs/{run.id}").json
    assert told["state"] == "finished"
    end(told)
