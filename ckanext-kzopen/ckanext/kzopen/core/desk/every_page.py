"""All pages of the workstation that are its own."""

from ckanext.kzopen.core.desk import (
    agencies_views,
    agency_changes_views,
    events_views,
    import_views,
    invitations_views,
    letters_views,
    people_views,
    roles_views,
    substitution_views,
    systems_views,
    tokens_views,
    views,
)

MODULES = (
    views,
    agencies_views,
    agency_changes_views,
    events_views,
    import_views,
    invitations_views,
    letters_views,
    people_views,
    roles_views,
    substitution_views,
    systems_views,
    tokens_views,
)
BLUEPRINTS = (
    views.blueprint,
    agencies_views.blueprint,
    events_views.blueprint,
    import_views.blueprint,
    invitations_views.blueprint,
    letters_views.blueprint,
    people_views.blueprint,
    roles_views.blueprint,
    substitution_views.blueprint,
    systems_views.blueprint,
)
