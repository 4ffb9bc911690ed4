"""The harvest engine: fetches an agency's data sets from its own systems, run after run, without anybody's hand.

A kind of source is a class in `kzopen_harvesters` with three methods (`kinds.Harvester`); queue, retries, resuming, comparing,
limits and reports are done here. Whatever is fetched goes the publish path: a passport and a delivery for each table.
"""

from pathlib import Path

from ckanext.kzopen.core.web import errors

errors.load(Path(__file__).with_name("errors.yaml"))
