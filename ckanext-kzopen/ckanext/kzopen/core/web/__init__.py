"""Errors in three languages, problem objects, the outgoing HTTP client, security headers, health, metrics, logs."""

from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import problem, request_language

__all__ = ["KzError", "problem", "request_language"]
