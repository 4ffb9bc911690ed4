"""CKAN's ini, written from the settings at each start; nobody edits it by hand."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from ckanext.kzopen.runtime.portal import Portal
from ckanext.kzopen.runtime.secrets import keys_of

PLUGINS = (
    "portal_theme kzopen_harvest kzopen_publishing kzopen_rows kzopen_search kzopen activity datastore kzopen_words "
    "scheming_datasets dcat structured_data text_view datatables_view"
)
LOGGING = """
[loggers]
keys = root, ckan, ckanext, kzopen

[handlers]
keys = console

[formatters]
keys = generic

[logger_root]
level = WARNING
handlers = console

[logger_ckan]
level = {level}
handlers = console
qualname = ckan
propagate = 0

[logger_ckanext]
level = {level}
handlers = console
qualname = ckanext
propagate = 0

[logger_kzopen]
level = {level}
handlers = console
qualname = kzopen
propagate = 0

[handler_console]
class = StreamHandler
args = (sys.stderr,)
level = NOTSET
formatter = generic

[formatter_generic]
class = ckanext.kzopen.core.web.logs.Formatter
"""


def socket_url(user: str, database: str, sockets: Path) -> str:
    """Address of a database of the embedded PostgreSQL, which listens on a Unix socket only."""
    return f"postgresql://{user}:@/{database}?host={sockets}"


def addresses(portal: Portal) -> dict[str, str]:
    """Addresses of the parts that keep state: given ones, else those of the embedded parts."""
    settings, sockets = portal.settings, portal.sockets
    return {
        "sqlalchemy.url": settings.database_url or socket_url("kzopen", "kzopen", sockets),
        "ckan.datastore.write_url": settings.datastore_url or socket_url("kzopen", "datastore", sockets),
        "ckan.datastore.read_url": settings.datastore_read_url or socket_url("kzopen_reader", "datastore", sockets),
        "ckan.redis.url": settings.redis_url or f"unix://{sockets}/valkey.sock?db=0",
        "kzopen.search_url": settings.search_url,
        "kzopen.search_path": str(portal.index),
        "kzopen.files_url": portal.files_url,
        # CKAN will not start without an address of Solr; nothing asks there unless search_url says so.
        "solr_url": _solr_address(settings.search_url),
    }


def _solr_address(search_url: str) -> str:
    return search_url.replace("solr://", "http://", 1) if search_url.startswith("solr:") else "http://127.0.0.1:1/solr/unused"


def keys(portal: Portal) -> dict[str, str]:
    """Secrets in the places where CKAN and we look for them."""
    kept = keys_of(portal)
    return {
        "SECRET_KEY": kept["secret_key"],
        "WTF_CSRF_SECRET_KEY": kept["csrf_key"],
        "api_token.jwt.encode.secret": f"string:{kept['jwt_key']}",
        "api_token.jwt.decode.secret": f"string:{kept['jwt_key']}",
        "kzopen.metrics_token": kept["metrics_token"],
        "kzopen.record_password": kept["record_password"],
        "kzopen.people_key": kept["people_key"],
    }


def mail(portal: Portal) -> dict[str, str]:
    """Where mails go and whom they come from; CKAN's own mails take the same way (core/mail)."""
    settings = portal.settings
    return {
        "kzopen.smtp_url": settings.smtp_url,
        "kzopen.smtp_ca": settings.smtp_ca,
        "kzopen.mail_from": settings.mail_from or f"portal@{urlsplit(settings.address).hostname}",
    }


def told(portal: Portal) -> dict[str, str]:
    """Files from which /metrics tells of the machine."""
    return {
        "kzopen.metrics_path": str(portal.metrics),
        "kzopen.status_path": str(portal.status),
        "kzopen.last_backup_path": str(portal.last_backup),
        "kzopen.archived_until_path": str(portal.archived_until),
    }


def senders(portal: Portal) -> dict[str, str]:
    """What one sender of tables may ask of the portal, and the portal of a source."""
    names = ("requests_a_minute", "bodies_at_once", "stalled_after", "upload_hours", "harvest_wait")
    return {f"kzopen.{name}": str(getattr(portal.settings, name)) for name in names}


def fixed(portal: Portal) -> dict[str, str]:
    """What follows from the settings, and what a kzopen portal always wants of CKAN."""
    settings = portal.settings
    return {
        "debug": str(settings.debug).lower(),
        "ckan.site_url": settings.address,
        "ckan.site_id": "kzopen",
        "ckan.site_title": settings.site_title,
        "ckan.plugins": PLUGINS,
        "ckan.locale_default": settings.languages[0],
        "ckan.locales_offered": " ".join(settings.languages),
        "ckan.locale_order": " ".join(settings.languages),
        "ckan.i18n_directory": str(portal.languages),
        "ckan.storage_path": str(portal.data / "storage"),
        "ckan.base_public_folder": "public",
        # The released wheel of CKAN 2.12.0 carries no file of "Midnight Blue"; portal_theme stands on the classic templates.
        "ckan.base_templates_folder": "templates",
        "ckan.webassets.path": str(portal.data / "webassets"),
        "ckan.datastore.sqlsearch.enabled": "false",
        "ckan.views.default_views": "datatables_view",
        "ckan.auth.create_user_via_web": "false",
        "ckan.auth.anon_create_dataset": "false",
        "ckan.auth.user_create_organizations": "false",
        "ckan.auth.user_create_groups": "false",
        "ckan.auth.user_delete_organizations": "false",
        "ckan.auth.create_unowned_dataset": "false",
        "ckan.auth.public_user_details": "false",
        "ckan.auth.route_after_login": "kzopen_desk.index",
        # A picture from gravatar.com would tell a stranger's server who reads what.
        "ckan.gravatar_default": "disabled",
        "ckan.tracking_enabled": "false",
        "scheming.dataset_schemas": "kzopen_schemas:datasets/table.yaml",
        "scheming.presets": "ckanext.scheming:presets.json",
        "kzopen.data": str(portal.data),
        "kzopen.languages": " ".join(settings.languages),
        "kzopen.log_level": settings.log_level,
        "kzopen.internal_networks": settings.internal_networks,
        "kzopen.harvest_files": settings.harvest_files,
        "kzopen.invitation_days": str(settings.invitation_days),
        "kzopen.session_hours": str(settings.session_hours),
        "kzopen.session_days": str(settings.session_days),
        "kzopen.trusted_proxies": str(settings.trusted_proxies),
        "kzopen.oidc_issuer": settings.oidc_issuer,
        "kzopen.oidc_client_id": settings.oidc_client_id,
        "kzopen.oidc_client_secret": settings.oidc_client_secret,
        "kzopen.oidc_name": settings.oidc_name,
        "kzopen.oidc_iin_claim": settings.oidc_iin_claim,
        "kzopen.require_second_factor": str(settings.require_second_factor).lower(),
        "SESSION_COOKIE_HTTPONLY": "true",
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": str(settings.address.startswith("https://")).lower(),
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        "REMEMBER_COOKIE_HTTPONLY": "true",
    }


def ini_text(portal: Portal, extra: dict[str, str] | None = None) -> str:
    """The whole ini; `extra` goes over what the settings give (tests use it)."""
    options = fixed(portal) | addresses(portal) | keys(portal) | mail(portal) | senders(portal) | told(portal) | (extra or {})
    lines = [f"{key} = {value.replace('%', '%%')}" for key, value in options.items()]
    head = "# Written by ./kzopen from the settings; changes made here are lost at the next start."
    return (
        "\n".join([head, "[DEFAULT]", "", "[app:main]", "use = egg:ckan", *lines])
        + "\n"
        + LOGGING.format(level=portal.settings.log_level)
    )


def write_ini(portal: Portal, extra: dict[str, str] | None = None) -> Path:
    """Write CKAN's ini (mode 0600: it holds secrets) and return its path."""
    descriptor = os.open(portal.ini, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(ini_text(portal, extra))
    return portal.ini
