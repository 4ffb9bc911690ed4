"""Plugin `kzopen_publishing`: CKAN interfaces of the publish path, and nothing else."""

from __future__ import annotations

from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan import model
from ckan.config.middleware.flask_app import csrf
from ckanext.kzopen.publishing import (
    agent,
    api,
    decision_views,
    deliveries_api,
    desk,
    figures,
    first,
    helpers,
    in_place_of_ckan,
    index,
    jobs,
    lists_of_ckan,
    metrics,
    notices,
    passport_views,
    purge,
    repair_views,
    rule_views,
    tasks,
    uploads_api,
    validators,
    views,
    withdrawal,
    withdrawal_api,
    withdrawal_views,
)
from ckanext.kzopen.publishing import model as tables
from ckanext.kzopen.rows import described
from flask import Blueprint, Flask

# CKAN would check a form's token, which programs have not; the API looks at API tokens only, never at the session.
csrf.exempt(api.blueprint)


@tk.blanket.config_declarations
class PublishingPlugin(p.SingletonPlugin):
    """The universal API, the staff's pages, the publish path's jobs and the fields of a passport."""

    p.implements(p.IActions)
    p.implements(p.IBlueprint)
    p.implements(p.IConfigurer)
    p.implements(p.IMiddleware, inherit=True)
    p.implements(p.IPackageController, inherit=True)
    p.implements(p.ITemplateHelpers)
    p.implements(p.IValidators)

    # The worker finds them registered by the import.
    jobs = (jobs,)
    # They put their pages on the blueprints of the desk and the API, and the desk into the workstation.
    kept = (figures, metrics)
    pages = (
        views,
        passport_views,
        repair_views,
        rule_views,
        tasks,
        deliveries_api,
        uploads_api,
        withdrawal_api,
        withdrawal_views,
    )

    def update_config(self, config: tk.CKANConfig) -> None:
        """Our templates come after the theme's."""
        tk.add_template_directory(config, "templates")
        withdrawal.announce()
        notices.register()
        index.register()
        described.by(tables.schemas_today)

    def get_actions(self) -> dict[str, Any]:
        return {"dataset_purge": purge.dataset_purge, **in_place_of_ckan.actions(), **lists_of_ckan.actions()}

    def after_dataset_create(self, context: Any, pkg_dict: dict[str, Any]) -> None:
        """The document of a data set that is made with its first table belongs to the same transaction."""
        first.after_create(context, str(pkg_dict["id"]))

    def before_dataset_index(self, pkg_dict: dict[str, Any]) -> dict[str, Any]:
        """Columns are found too; a data set whose first version is planned is found from that moment on."""
        return index.completed(model.Session(), pkg_dict)

    def get_blueprint(self) -> list[Blueprint]:
        return [api.blueprint, desk.blueprint, agent.blueprint]

    def make_middleware(self, app: Flask, config: Any) -> Flask:
        in_place_of_ckan.install(app)
        return app

    def get_helpers(self) -> dict[str, Any]:
        found = (helpers.kzopen_in_language, helpers.kzopen_words, helpers.kz_told)
        return {function.__name__: function for function in found} | {"kz_decision": decision_views.offer}

    def get_validators(self) -> dict[str, Any]:
        return {
            "kzopen_translated_text": validators.translated_text,
            "kzopen_translated_words": validators.translated_words,
            "kzopen_from_json": validators.from_json,
            "kzopen_from_translated": validators.from_translated,
        }
