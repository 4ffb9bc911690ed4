"""Sources of each kind on this machine, and a portal that harvests them."""

from __future__ import annotations

from tests.publishing.conftest import agency, other_agency
from tests.publishing.harvest.conftest import Harvest, catalogue, harvest, run

__all__ = ["Harvest", "agency", "catalogue", "harvest", "other_agency", "run"]
