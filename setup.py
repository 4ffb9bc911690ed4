"""One distribution; `package_dir` maps the folders of the checkout to the packages they hold."""

from setuptools import find_packages, setup

EXTENSION = "ckanext-kzopen"


def packages_under(folder: str, name: str) -> list[str]:
    """The package `name` that lies in `folder`, and the packages inside it."""
    return [name, *(f"{name}.{p}" for p in find_packages(folder))]


setup(
    package_dir={
        "ckanext.kzopen": f"{EXTENSION}/ckanext/kzopen",
        "kzopen_harvesters": "harvesters",
        "kzopen_schemas": "schemas",
        "portal_theme": "portal_theme",
    },
    packages=[
        *packages_under(f"{EXTENSION}/ckanext/kzopen", "ckanext.kzopen"),
        *packages_under("harvesters", "kzopen_harvesters"),
        *packages_under("schemas", "kzopen_schemas"),
        *packages_under("portal_theme", "portal_theme"),
    ],
    include_package_data=True,
)
