"""Plugin `kzopen`: CKAN interfaces of what every section stands on, and nothing else."""

from __future__ import annotations

from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import click
from ckan import model
from ckanext.kzopen.core import law, lookups, states, texts
from ckanext.kzopen.core.desk import every_page as desk_pages
from ckanext.kzopen.core.desk import helpers as desk_helpers
from ckanext.kzopen.core.figures import accesses
from ckanext.kzopen.core.figures import api as figures_api
from ckanext.kzopen.core.figures import cli as figures_cli
from ckanext.kzopen.core.figures import jobs as figures_jobs  # noqa: F401 - registers the tasks
from ckanext.kzopen.core.figures import views as figures_views
from ckanext.kzopen.core.jobs import metrics as job_metrics  # noqa: F401 - registers the figures
from ckanext.kzopen.core.mail import jobs as mail_jobs  # noqa: F401 - registers the tasks
from ckanext.kzopen.core.mail import metrics as mail_metrics  # noqa: F401 - registers the figures
from ckanext.kzopen.core.mail import portal as mail_portal
from ckanext.kzopen.core.notices import by_mail_views, own_data
from ckanext.kzopen.core.notices import helpers as notice_helpers
from ckanext.kzopen.core.notices import jobs as notice_jobs  # noqa: F401 - registers the tasks
from ckanext.kzopen.core.notices import views as notice_views
from ckanext.kzopen.core.people import actions as people_actions
from ckanext.kzopen.core.people import (
    activities,
    activity_at_once,
    invitation_views,
    labels,
    last_use,
    members_of_ckan,
    privacy,
    reads,
    reads_of_ckan,
    resource_views,
    roles,
    tables,
)
from ckanext.kzopen.core.people.accounts import in_place_of_ckan, own_views, policy  # noqa: F401 - own_views: more pages
from ckanext.kzopen.core.people.accounts import jobs as account_jobs  # noqa: F401 - registers the tasks
from ckanext.kzopen.core.people.accounts import views as account_views
from ckanext.kzopen.core.people.assignments import handover, keeping_up  # noqa: F401 - keeping_up: registers the task
from ckanext.kzopen.core.people.leaving import jobs as leaving_jobs  # noqa: F401 - registers the task
from ckanext.kzopen.core.people.leaving import views as leaving_views  # noqa: F401 - pages of the accounts' blueprint
from ckanext.kzopen.core.people.levels import rules as people_rules
from ckanext.kzopen.core.people.levels import views as level_views  # noqa: F401 - pages of the accounts' blueprint
from ckanext.kzopen.core.people.second_factor import gate
from ckanext.kzopen.core.people.second_factor import views as factor_views  # noqa: F401 - pages of the accounts' blueprint
from ckanext.kzopen.core.people.sessions import ending as session_ending
from ckanext.kzopen.core.people.sign_in import authenticator, provider_views  # noqa: F401 - more pages
from ckanext.kzopen.core.people.sign_in import views as sign_in_views
from ckanext.kzopen.core.people.sign_in.providers import configured
from ckanext.kzopen.core.record import jobs as record_jobs  # noqa: F401 - registers the tasks
from ckanext.kzopen.core.record import keeping
from ckanext.kzopen.core.record import pages as record_pages
from ckanext.kzopen.core.record import views as record_views
from ckanext.kzopen.core.reorganisation import actions as agency_actions
from ckanext.kzopen.core.reorganisation import addresses, belongings, listeners, searching
from ckanext.kzopen.core.reorganisation import auth as agency_auth
from ckanext.kzopen.core.reorganisation import helpers as agency_helpers
from ckanext.kzopen.core.reorganisation import jobs as reorganisation_jobs  # noqa: F401 - registers the tasks
from ckanext.kzopen.core.reorganisation import views as agency_views
from ckanext.kzopen.core.web import assets, csrf, health, metrics, other_processes, pages, requests
from ckanext.kzopen.core.web import machine as machine_metrics  # noqa: F401 - registers the figures
from ckanext.kzopen.core.withdrawal import actions as withdrawal_actions
from ckanext.kzopen.core.withdrawal import answers as withdrawal_answers
from ckanext.kzopen.core.withdrawal import cli as withdrawal_cli
from ckanext.kzopen.core.withdrawal import jobs as withdrawal_jobs  # noqa: F401 - registers the tasks
from ckanext.kzopen.core.withdrawal import kept as withdrawal_kept  # noqa: F401 - registers the place
from ckanext.kzopen.core.withdrawal import post as withdrawal_post  # noqa: F401 - registers the place
from ckanext.kzopen.core.withdrawal import views as withdrawal_views
from flask import Blueprint, Flask, Response


@tk.blanket.config_declarations
class CorePlugin(p.SingletonPlugin):
    """Health, metrics, errors, security headers and the settings that all plugins share."""

    p.implements(p.IActions)
    p.implements(p.IAuthenticator, inherit=True)
    p.implements(p.IAuthFunctions)
    p.implements(p.IBlueprint)
    p.implements(p.IClick)
    p.implements(p.IConfigurable)
    p.implements(p.IConfigurer)
    p.implements(p.IMiddleware, inherit=True)
    p.implements(p.IPackageController, inherit=True)
    p.implements(p.INotifier, inherit=True)
    p.implements(p.IPermissionLabels)
    p.implements(p.ITemplateHelpers)
    p.implements(p.IValidators)

    def update_config(self, config: tk.CKANConfig) -> None:
        """Our templates come after the theme's."""
        tk.add_template_directory(config, "templates")
        listeners.attach()
        last_use.attach()
        lookups.attach()
        if p.plugin_loaded("activity"):
            activity_at_once.attach()
        other_processes.attach()
        belongings.register()
        handover.register()

    def get_actions(self) -> dict[str, Any]:
        return {
            **activities.actions(),
            **people_actions.actions(),
            **members_of_ckan.actions(),
            **reads_of_ckan.actions(),
            **tables.actions(),
            **agency_actions.actions(),
            **in_place_of_ckan.actions(),
            **withdrawal_actions.actions(),
        }

    def get_auth_functions(self) -> dict[str, Any]:
        return {
            **privacy.auth_functions(),
            **people_actions.auth_functions(),
            **resource_views.rights(),
            **agency_auth.rights(),
            **in_place_of_ckan.rights(),
        }

    def get_blueprint(self) -> list[Blueprint]:
        return [
            health.blueprint,
            metrics.blueprint,
            pages.blueprint,
            record_pages.blueprint,
            record_views.blueprint,
            account_views.blueprint,
            agency_views.blueprint,
            invitation_views.blueprint,
            *desk_pages.BLUEPRINTS,
            withdrawal_views.blueprint,
            figures_api.blueprint,
            figures_views.blueprint,
            *notice_views.BLUEPRINTS,
            by_mail_views.blueprint,
        ]

    def get_validators(self) -> dict[str, Any]:
        return {"user_password_validator": policy.validator}

    def get_helpers(self) -> dict[str, Any]:
        ours = (*desk_helpers.HELPERS, *agency_helpers.HELPERS, *notice_helpers.HELPERS, accesses.kz_lately)
        return {function.__name__: function for function in ours}

    def get_commands(self) -> list[click.Command]:
        return [withdrawal_cli.kzopen_withdrawal, figures_cli.kzopen_figures]

    def configure(self, config: Any) -> None:
        """Refuse to start with a mistake in the calendar, the terms, the roles, the states or the rules of keeping."""
        texts.fall_back_to(tk.config["kzopen.languages"])
        law.kazakhstan()
        roles.known()
        people_rules()
        configured.register(tk.config)
        own_data.register()
        states.check()
        keeping.rules()

    def before_dataset_index(self, pkg_dict: dict[str, Any]) -> dict[str, Any]:
        """Data sets are found by every name of their owner, also by short and former ones."""
        words = searching.words_of_owner(model.Session, str(pkg_dict.get("owner_org") or ""))
        return {**pkg_dict, "extras_agency_names": words} if words else pkg_dict

    def make_middleware(self, app: Flask, config: Any) -> Flask:
        assets.keep_addresses(config)
        requests.install(app)
        reads.install(app)  # runs after what it installs below
        reads_of_ckan.install(app)
        addresses.install(app)
        csrf.install()
        authenticator.install(app)
        in_place_of_ckan.install(app)
        session_ending.install(app)
        gate.install(app)
        privacy.install(app)
        activities.install(app)
        withdrawal_answers.install(app)
        return app

    def notify_recipient(self, already_notified: bool, *mail: Any, **named: Any) -> bool:
        """What CKAN mails goes into our queue."""
        _name, address, subject, body, _html, _headers, attachments = mail
        return already_notified or mail_portal.queue_for_ckan(address, subject, body, attachments)

    def identify_user(self, user_id: str | None = None) -> Any:
        return authenticator.identify_user(user_id)

    def authenticate(self, identity: dict[str, Any]) -> Any:
        return authenticator.authenticate(identity)

    def login(self) -> Response:
        return sign_in_views.sign_in()

    def logout(self) -> Response:
        return sign_in_views.sign_out()

    def get_dataset_labels(self, dataset_obj: Any) -> list[str]:
        return labels.of_dataset(self, dataset_obj)

    def get_user_dataset_labels(self, user_obj: Any) -> list[str]:
        return labels.of_user(self, user_obj)
