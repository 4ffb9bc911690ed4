"""All pages of the workstation that are its own."""

from ckanext.kzopen.core.desk import systems_views, tokens_views, views

MODULES = (views, systems_views, tokens_views)
BLUEPRINTS = (views.blueprint, systems_views.blueprint)
