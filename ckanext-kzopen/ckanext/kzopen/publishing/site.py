"""What the publish path takes from the configuration."""

from __future__ import annotations

from dataclasses import dataclass

import ckan.plugins.toolkit as tk


@dataclass(frozen=True)
class Site:
    """Where files lie, the portal's public address without a slash at the end, and the largest body in bytes."""

    files_url: str
    address: str
    largest: int

    def data_address(self, uri: str, version: int | None, ending: str) -> str:
        """Public address of a table: of one version, or of the current one."""
        name = uri if version is None else f"{uri}/v{version}"
        return f"{self.address}/data/{name}.{ending}"

    def delivery_address(self, delivery: object) -> str:
        """Address of a delivery in the universal API."""
        return f"{self.address}/api/universal/v1/deliveries/{delivery}"

    def upload_address(self, upload: object) -> str:
        """Address of an upload in the universal API."""
        return f"{self.address}/api/universal/v1/uploads/{upload}"

    def dataset_address(self, uri: str) -> str:
        """Address of a data set in the universal API."""
        return f"{self.address}/api/universal/v1/datasets/{uri}"


def configured() -> Site:
    """The site that CKAN's configuration describes."""
    config = tk.config
    return Site(config["kzopen.files_url"], config["ckan.site_url"].rstrip("/"), config["kzopen.largest_delivery"])
