"""Sources of each kind on this machine, and a portal that harvests them."""

from __future__ import annotations

from tests.publishing.harvest.conftest import Harvest, agency, app, catalogue, harvest, other_agency

__all__ = ["Harvest", "agency", "app", "catalogue", "harvest", "other_agency"]
