"""Pages rendered by the real application, in the language that a test asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

Reader = Callable[[str], AbstractContextManager[None]]


@pytest.fixture
def reading(app: Any) -> Reader:
    """`with reading("ru", "/dataset/?page=2"):` is a request of a reader of that language."""

    @contextmanager
    def request(language: str, path: str = "/") -> Iterator[None]:
        environment = {"CKAN_LANG": language, "CKAN_CURRENT_URL": path}
        with app.flask_app.test_request_context(path, environ_overrides=environment):
            yield

    return request
