"""What sources say, as PostgreSQL can store it: it has no U+0000 and no half of a surrogate pair, and JSON has both."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class ToldText(TypeDecorator[str]):
    """A text of a source; what cannot be stored is left out."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        return None if value is None else UNSTORABLE.sub("", value)


class Told(TypeDecorator[Any]):
    """A value of a source as JSON, decimals as texts; what cannot be stored is left out."""

    impl = JSONB
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else storable(json.loads(json.dumps(value, default=str)))

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        return self.impl_instance.coerce_compared_value(op, value)


def storable(value: Any) -> Any:
    """JSON without what PostgreSQL cannot store, however deep it stands; NaN and Infinity are texts."""
    if isinstance(value, str):
        return UNSTORABLE.sub("", value)
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)
    if isinstance(value, list):
        return [storable(one) for one in value]
    if isinstance(value, Mapping):
        return {storable(name): storable(one) for name, one in value.items()}
    return value
