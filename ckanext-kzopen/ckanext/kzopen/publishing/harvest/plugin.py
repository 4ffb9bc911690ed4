"""Plugin `kzopen_harvest`: CKAN interfaces of harvesting, and nothing else."""

from __future__ import annotations

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan.config.middleware.flask_app import csrf
from ckanext.kzopen.publishing.harvest import api, figures, handover, jobs, metrics, sources, views
from flask import Blueprint

# Programs have no token of a form; the API looks at API tokens only, never at the session.
csrf.exempt(api.blueprint)


@tk.blanket.config_declarations
class HarvestPlugin(p.SingletonPlugin):
    """Sources, their runs and the jobs of these; the API and the staff's pages."""

    p.implements(p.IBlueprint)
    p.implements(p.IConfigurer)

    jobs = (jobs.advance_run, jobs.work_on_batch, jobs.start_due_runs, jobs.forget_items)
    kept = (sources, metrics, figures, handover)

    def update_config(self, config: tk.CKANConfig) -> None:
        """Our templates come after the theme's."""
        tk.add_template_directory(config, "templates")

    def get_blueprint(self) -> list[Blueprint]:
        return [api.blueprint, views.blueprint]
