"""Agencies: their tree, names and codes, each with the dates between which they held; CKAN's organisations are the store."""
