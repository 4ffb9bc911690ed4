"""Answers that no cache may keep, and answers that say themselves how long."""

from __future__ import annotations

from flask import Response, request
from werkzeug.datastructures import ResponseCacheControl


class OwnCaching(Response):
    """An answer whose Cache-Control header stays as the view has set it.

    CKAN marks every answer `public, max-age=0` after the view has run, by way of this property.
    """

    @property
    def cache_control(self) -> ResponseCacheControl:
        """A copy: changes to it have no effect."""
        return ResponseCacheControl(super().cache_control)


def uncached(response: Response) -> Response:
    """Neither the browser nor anything between keeps the answer; CKAN adds `private` instead of `public` to it."""
    request.environ["__no_cache__"] = True
    response.cache_control.no_store = True
    return response
