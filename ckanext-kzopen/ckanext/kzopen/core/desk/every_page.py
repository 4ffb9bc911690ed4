"""All pages of the workstation that are its own."""

from ckanext.kzopen.core.desk import events_views, systems_views, tokens_views, views

MODULES = (views, events_views, systems_views, tokens_views)
BLUEPRINTS = (views.blueprint, events_views.blueprint, systems_views.blueprint)
