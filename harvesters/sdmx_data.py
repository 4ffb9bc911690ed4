"""Observations in SDMX-CSV and SDMX-ML, each with the values of its dimensions and attributes by name, for the kind `sdmx`."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.safe_xml import parts, root_of
from lxml import etree

MESSAGES = ("GenericData", "GenericTimeSeriesData", "StructureSpecificData", "StructureSpecificTimeSeriesData")
VALUE = "OBS_VALUE"


def of_csv(file: Path, dimensions: Set[str]) -> Iterator[Mapping[str, str]]:
    """The observations of SDMX-CSV; KzError harvest.odd_item unless it has a column for each dimension and the value."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            found = csv.DictReader(text)
            if lost := (dimensions | {VALUE}) - set(found.fieldnames or []):
                raise KzError("harvest.odd_item", problem=", ".join(sorted(lost))[:100])
            for row in found:
                if None in row:
                    raise KzError("harvest.odd_item", problem=f"CSV: {found.line_num}")
                yield row
    except (UnicodeDecodeError, csv.Error) as error:
        raise KzError("harvest.odd_item", problem=f"CSV: {error}"[:100]) from error


def of_xml(file: Path, dimensions: Set[str]) -> Iterator[Mapping[str, str]]:
    """The observations of SDMX-ML; what stands at their data set, their groups and their series counts for each of them.

    KzError harvest.odd_item for a message without data, or with an error behind them.
    """
    if (root := root_of(file)) not in MESSAGES:
        raise KzError("harvest.odd_item", problem=root[:100])
    last, of_set, groups = None, {}, Groups({})
    for node in parts(file, "Group", "Obs", "Message"):
        kind, within = etree.QName(node).localname, next(node.iterancestors("{*}DataSet"), None)
        if kind == "Message":
            _heed(node)
        elif within is None:
            raise KzError("harvest.odd_item", problem=f"{kind}: DataSet")
        else:
            if within is not last:
                last, of_set, groups = within, _told(within), Groups({})
            if kind == "Group":
                groups.add(_told(node), dimensions)
            else:
                series = node.getparent()
                own = {**(_told(series) if series is not within else {}), **_told(node)}
                yield {**of_set, **groups.of(own), **own}


@dataclass(frozen=True)
class Groups:
    """Attributes of groups of observations, by the dimensions and the values that a group's observations have in common."""

    found: dict[tuple[str, ...], dict[tuple[str, ...], dict[str, str]]]

    def add(self, told: Mapping[str, str], dimensions: Set[str]) -> None:
        names = tuple(sorted(dimensions & told.keys()))
        attributes = {name: value for name, value in told.items() if name not in dimensions}
        self.found.setdefault(names, {}).setdefault(tuple(told[name] for name in names), {}).update(attributes)

    def of(self, observation: Mapping[str, str]) -> dict[str, str]:
        told: dict[str, str] = {}
        for names, by_values in self.found.items():
            told |= by_values.get(tuple(observation.get(name, "") for name in names), {})
        return told


def _heed(message: etree._Element) -> None:
    """Behind the data a service says what is wrong with them: that they are cut, or lie elsewhere."""
    if message.get("severity") != "Information":
        text = " ".join(str(one).strip() for one in message.itertext())
        raise KzError("harvest.odd_item", problem=f"{message.get('code', '')} {text}".strip()[:200])


def _told(node: etree._Element) -> dict[str, str]:
    """Structure-specific data tell all in XML's attributes, generic ones in elements."""
    found = {str(name): str(value) for name, value in node.attrib.items()}
    for group in ("GroupKey", "SeriesKey", "ObsKey", "Attributes"):
        found |= {str(one.get("id")): str(one.get("value")) for one in node.iterfind(f"{{*}}{group}/{{*}}Value")}
    for tag, name in (("ObsDimension", "TIME_PERIOD"), ("ObsValue", VALUE)):
        one = node.find(f"{{*}}{tag}")
        if one is not None:
            found[str(one.get("id") or name) if tag == "ObsDimension" else name] = str(one.get("value"))
    return found
