"""What links in mails and addresses of personal feeds carry: signed, so that nobody makes one for another reader."""

from __future__ import annotations

import hmac
from typing import Any

from ckanext.kzopen.core.people.secrets import keyed
from ckanext.kzopen.core.web.errors import KzError
from itsdangerous import BadData, URLSafeSerializer, URLSafeTimedSerializer

CONFIRM_SECONDS = 3 * 24 * 3600
BY_MAIL_SECONDS = 24 * 3600


def unsubscribe(reader: str, subscription: int | None) -> str:
    """Good for ever: a mail may be read years later."""
    return str(URLSafeSerializer(keyed("notices", "unsubscribe")).dumps([reader, subscription]))


def read_unsubscribe(token: str) -> tuple[str, int | None]:
    """The reader and the subscription, None = all mails; KzError notices.bad_link."""
    reader, subscription = _loaded(URLSafeSerializer(keyed("notices", "unsubscribe")), token)
    return str(reader), subscription


def confirm(subscription: int) -> str:
    """Good for three days."""
    return str(URLSafeTimedSerializer(keyed("notices", "confirm")).dumps(subscription))


def read_confirm(token: str) -> int:
    return int(_loaded(URLSafeTimedSerializer(keyed("notices", "confirm")), token, max_age=CONFIRM_SECONDS))


def by_mail(address: str) -> str:
    """Good for a day: it opens everything that an address follows."""
    return str(URLSafeTimedSerializer(keyed("notices", "by mail")).dumps(address))


def read_by_mail(token: str) -> str:
    """The address; KzError notices.bad_link."""
    return str(_loaded(URLSafeTimedSerializer(keyed("notices", "by mail")), token, max_age=BY_MAIL_SECONDS))


def feed(reader: str, generation: int) -> str:
    """The secret part of the address of a personal feed."""
    return f"{reader}.{generation}.{keyed('notices feed', f'{reader} {generation}')[:40]}"


def read_feed(token: str) -> tuple[str, int]:
    """The reader and the generation that a feed's address names; KzError web.not_found."""
    reader, _, rest = token.partition(".")
    number = rest.partition(".")[0]
    if not number.isascii() or not number.isdigit() or len(number) > 9:
        raise KzError("web.not_found")
    if not hmac.compare_digest(feed(reader, int(number)).encode(), token.encode()):
        raise KzError("web.not_found")
    return reader, int(number)


def _loaded(serializer: Any, token: str, **limits: int) -> Any:
    try:
        return serializer.loads(token, **limits)
    except BadData as error:
        raise KzError("notices.bad_link") from error
