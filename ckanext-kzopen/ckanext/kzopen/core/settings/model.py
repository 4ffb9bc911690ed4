"""The settings model."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

EMBEDDED = "empty = the embedded one"


class Settings(BaseSettings):
    """All settings of a portal. Addresses are URLs; an empty address means that the launcher brings the part itself."""

    model_config = SettingsConfigDict(env_prefix="KZOPEN_", toml_file="kzopen.toml", extra="forbid")

    data: Path = Field(Path("var"), description="Directory of everything that the portal keeps on this machine.")
    host: str = Field("127.0.0.1", description="Address on which the web server listens; 0.0.0.0 for all.")
    port: int = Field(5000, ge=1, le=65535, description="Port of the web server.")
    workers: int = Field(2, ge=1, le=64, description="Processes of the web server.")
    demo: bool = Field(True, description="Load demonstration content into an empty portal.")
    debug: bool = Field(False, description="CKAN's debug mode; refused on a public address.")

    site_url: str = Field("", description="Address under which readers reach the portal; empty = http://host:port.")
    site_title: str = Field("Open Government Portal", description="Name of the portal in page titles and mails.")
    languages: list[str] = Field(["kk", "ru", "en"], description="Languages offered; the first is the default.")

    database_url: str = Field("", description=f"PostgreSQL of the portal, postgresql://user:password@host/name; {EMBEDDED}.")
    datastore_url: str = Field("", description=f"PostgreSQL of the tables, another database, with write rights; {EMBEDDED}.")
    datastore_read_url: str = Field("", description="The same for a user who may only read; needed with datastore_url.")
    redis_url: str = Field("", description=f"Redis or Valkey, redis://host:port/0; {EMBEDDED}.")
    search_url: str = Field(
        "",
        description="Search engine: elasticsearch://host:port/prefix, elasticsearch+https:// for TLS, "
        f"or solr://host:port/solr/core for CKAN's own search; {EMBEDDED}.",
    )
    files_url: str = Field(
        "",
        description="Where files and versions of tables lie, file:///path or s3://bucket/folder?region=…&endpoint=…; "
        "empty = inside `data`.",
    )
    archive: str = Field(
        "",
        description="Folder, on another disk, into which everything is copied as it changes, so that the portal of any moment "
        "can be made again; empty = none.",
    )
    archive_seconds: int = Field(60, ge=5, le=300, description="Seconds between two rounds of copying into the archive.")
    archive_days: int = Field(14, ge=1, le=3650, description="Days back to which the archive reaches at least.")
    smtp_url: str = Field("", description="Mail server, smtp(s)://user:password@host:port; empty = mails wait unsent.")
    smtp_ca: str = Field("", description="File with the CA certificates for the mail server's own; empty = the system's.")
    mail_from: str = Field("", description="Address that mails come from; empty = portal@ the host of site_url.")

    secret_key: str = Field("", description="Signs sessions and tokens, at least 32 characters; empty = made at first start.")
    metrics_token: str = Field("", description="Bearer token for /metrics; empty = made at first start, kept in `data`.")
    record_password: str = Field("", description="Opens the keys of the public record; empty = made at first start.")
    people_key: str = Field("", description="Keeps second factors and IIN unreadable in backups; empty = made at first start.")
    trusted_proxies: int = Field(
        0, ge=0, le=5, description="Web servers before ours whose X-Forwarded-For counts; 0 = readers reach it directly."
    )
    internal_networks: str = Field(
        "", description="Internal networks (CIDR) that the portal may call, such as an OpenID provider's."
    )
    harvest_files: str = Field("", description="Folder whose SQLite files harvest sources may read; empty = none.")
    oidc_issuer: str = Field("", description="OpenID provider by which people may sign in; empty = by password only.")
    oidc_client_id: str = Field("", description="Name under which the OpenID provider knows the portal.")
    oidc_client_secret: str = Field("", description="The portal's secret at the OpenID provider.")
    oidc_name: str = Field("OpenID", description="Name of the OpenID provider on the button.")
    oidc_iin_claim: str = Field("", description="Claim in which it gives an IIN that it has confirmed; empty = none.")
    invitation_days: int = Field(7, ge=1, le=90, description="Days for which an invitation of staff can be accepted.")
    session_hours: int = Field(
        12,
        ge=1,
        le=168,
        description="Hours after which people with a role of the staff sign in again, however much they use their session.",
    )
    session_days: int = Field(30, ge=1, le=30, description="The same for everybody else, in days.")
    require_second_factor: bool = Field(
        True, description="Approvers, administrators and operators may do nothing without a second factor (TOTP)."
    )
    requests_a_minute: int = Field(
        3000, ge=1, description="Requests to the universal API that one token may make in a minute."
    )
    bodies_at_once: int = Field(4, ge=1, le=100, description="Large bodies that one token may send at the same time.")
    stalled_after: int = Field(30, ge=1, le=600, description="Seconds without a byte after which a sent body is given up.")
    upload_hours: int = Field(
        48, ge=1, le=720, description="Hours without a new part after which an unfinished upload is thrown away."
    )
    harvest_wait: int = Field(
        5, ge=1, le=3600, description="Seconds after which a harvest source that did not answer is asked again; then doubled."
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Options of the command line first, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def address(self) -> str:
        """The address that readers use, without a slash at the end."""
        return (self.site_url or f"http://{self.inner_host}:{self.port}").rstrip("/")

    @property
    def inner_host(self) -> str:
        """Where this machine reaches the web server, also one that listens on all addresses."""
        return "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104

    @property
    def distributed(self) -> bool:
        """Whether any part is brought by somebody else; mail and the public address do not count."""
        return any((self.database_url, self.datastore_url, self.redis_url, self.search_url, self.files_url))
