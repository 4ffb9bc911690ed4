"""Errors of ours in CKAN's API: its view of actions answers 500 to every exception that is not its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import ckan.plugins.toolkit as tk
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from flask import has_request_context, request

Action = Callable[[Any, dict[str, Any]], Any]
VIEW = "api.action"


def in_ckan_s_words(action: Action) -> Action:
    """The action, whose KzError becomes CKAN's own error where CKAN's API calls it: the sentence and the code.

    Who calls it from Python gets the KzError.
    """

    @wraps(action)
    def answered(context: Any, data_dict: dict[str, Any]) -> Any:
        try:
            return action(context, data_dict)
        except KzError as error:
            if has_request_context() and request.endpoint == VIEW:
                raise of_ckan(error, request_language()) from error
            raise

    return answered


def of_ckan(error: KzError, language: str) -> Exception:
    """CKAN's exception for ours: refused, not found, or wrong input."""
    sentence = error.text(language)
    if error.status in (401, 403):
        return tk.NotAuthorized(sentence)
    if error.status == 404:
        return tk.ObjectNotFound(sentence)
    return tk.ValidationError({"message": [sentence], "code": [error.code]})
