"""The staff's pages of tables: data sets, uploads, reports, publication."""

from __future__ import annotations

from uuid import UUID, uuid4

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.kzopen.core.desk import actors, visitor
from ckanext.kzopen.core.people import reads
from ckanext.kzopen.core.people.systems.model import MODES
from ckanext.kzopen.core.states import machine_of
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.core.web.problem import request_language
from ckanext.kzopen.core.withdrawal.carry_out import may_withdraw
from ckanext.kzopen.publishing import datasets, decide, marked, receive, repairs, reports, rights, staff
from ckanext.kzopen.publishing.desk import Page, blueprint, me, mine, show
from ckanext.kzopen.publishing.model import Delivery
from ckanext.kzopen.publishing.site import configured
from ckanext.kzopen.publishing.waiting import is_under_way, wait_for
from ckanext.kzopen.rows import model as versions
from flask import request


@blueprint.get("/datasets")
def index() -> Page:
    """My organisations' data sets and their latest deliveries."""
    chosen = visitor().chosen
    organizations = [row for row in rights.organizations_of(me(), rights.SEE) if chosen in (None, row["id"])]
    rows = staff.datasets_of(model.Session(), [row["id"] for row in organizations])
    deliveries = staff.deliveries_of(model.Session(), rows)
    return show(
        "index",
        organizations=organizations,
        datasets=rows,
        deliveries=deliveries,
        may_create=rights.may_create(me()),
        open_to_me={row.uri for row in rows if rights.may(me(), rights.DELIVER, row.package_id)},
    )


@blueprint.get("/datasets/<uri>")
def dataset(uri: str) -> Page:
    """One data set: its versions with what each changed, and its deliveries."""
    passport = mine(uri)
    return show(
        "dataset",
        uri=uri,
        package=datasets.visible_package(passport, me()),
        passport=passport,
        may_deliver=rights.may(me(), rights.DELIVER, passport.package_id),
        may_change=rights.may(me(), rights.CHANGE, passport.package_id),
        versions=versions.all_of(model.Session(), uri)[: staff.SHOWN],
        deliveries=staff.deliveries_to(model.Session(), passport.package_id),
        accepted_repairs=repairs.accepted(model.Session(), passport.package_id),
        kinds_of_repairs=staff.REPAIRS,
        may_close=rights.may(me(), rights.WITHDRAW, passport.package_id),
        may_withdraw=may_withdraw(me(), model.Package.get(passport.package_id).owner_org),
    )


@blueprint.route("/datasets/<uri>/deliveries/new", methods=["GET", "POST"])
def new_delivery(uri: str) -> Page:
    """Upload a file: it is checked, and published by the next page when a person says so."""
    passport = mine(uri, rights.DELIVER)
    error = None
    if request.method == "POST":
        part = request.files.get("file")
        sending = receive.Sending(
            mode=request.form.get("mode", "replace"),
            sender=datasets.user_id(me()),
            source="staff",
            check_only=True,
            media_type=None,  # browsers guess it from the name, which lies too often: the bytes tell
            file_name=part.filename[:255] if part and part.filename else None,
            key=request.form.get("key") or None,
            address=request.remote_addr,
        )
        try:
            if part is None or not part.filename:
                raise KzError("publishing.no_file")
            site = configured()
            outcome = receive.deliver(model.Session(), site.files_url, passport, sending, part.stream, site.largest)
            wait_for(model.Session(), outcome.delivery, tk.config["kzopen.answer_wait"])
            return tk.h.redirect_to("kzopen_staff.delivery", number=outcome.delivery.id)
        except KzError as refused:
            error = KzError("publishing.empty_file") if refused.code == "publishing.no_rows" else refused
    modes = [mode for mode in MODES if mode not in receive.MODES_BY_KEY or passport.schema.get("primaryKey")]
    return show(
        "deliver",
        uri=uri,
        package=datasets.visible_package(passport, me()),
        passport=passport,
        modes=modes,
        types=staff.TYPES,
        mode=request.form.get("mode", "replace"),
        key=uuid4().hex,
        error=error.text(request_language()) if error else "",
    )


@blueprint.get("/deliveries/<uuid:number>")
def delivery(number: UUID) -> Page:
    """Where a delivery stands, what is wrong with it, what it changes; the button that publishes it."""
    row = my_delivery(number)
    machine = machine_of("delivery")
    offset = max(0, request.args.get("offset", 0, int))
    report = reports.page(configured(), row, offset, reports.FIRST_PAGE, request_language())
    sender = actors.names_of(model.Session(), [row.sender]).get(row.sender, "")
    if model.User.get(row.sender) is not None:
        reads.note(("name",), [row.sender])
    return show(
        "delivery",
        marked=marked.table_of(row.report, report.findings),
        repair_value=repairs.value_of,
        kinds_of_repairs=staff.REPAIRS,
        delivery=row,
        package=datasets.visible_package(mine(row.uri), me()),
        label=machine.states[row.state].label,
        under_way=is_under_way(row),
        sender=sender,
        stuck=bool(decide.stuck(model.Session(), [row])),
        error=_sentence(row),
        can_publish=row.state == "awaiting_approval" and row.approver is None,
        may_publish=rights.may(me(), rights.APPROVE, row.package_id),
        may_deliver=rights.may(me(), rights.DELIVER, row.package_id),
        report=report,
        offset=offset,
        page_size=reports.FIRST_PAGE,
        version=versions.made_by(model.Session(), str(row.id)),
    )


def _sentence(row: Delivery) -> str:
    """What the last try failed of: a sentence where the portal has one, else the error's name; "" for none."""
    try:
        return KzError(row.error or "", uri=row.uri).text(request_language())
    except (LookupError, TypeError):
        return row.error or ""


@blueprint.post("/deliveries/<uuid:number>/publish")
def publish(number: UUID) -> Page:
    """Publish a delivery that passed its check."""
    row = my_delivery(number, rights.APPROVE)
    try:
        decide.approve(model.Session(), row, datasets.user_id(me()))
        wait_for(model.Session(), row, tk.config["kzopen.answer_wait"])
    except KzError as error:
        tk.h.flash_error(error.text(request_language()))
    return tk.h.redirect_to("kzopen_staff.delivery", number=number)


@blueprint.post("/deliveries/<uuid:number>/again")
def try_again(number: UUID) -> Page:
    """Take up a delivery again that the queue has given up."""
    row = my_delivery(number, rights.DELIVER)
    try:
        decide.try_again(model.Session(), row, datasets.user_id(me()), request.remote_addr)
        wait_for(model.Session(), row, tk.config["kzopen.answer_wait"])
    except KzError as error:
        tk.h.flash_error(error.text(request_language()))
    return tk.h.redirect_to("kzopen_staff.delivery", number=number)


def my_delivery(number: UUID, right: str = rights.SEE) -> Delivery:
    row = model.Session().get(Delivery, number)
    if row is None:
        raise KzError("publishing.unknown_delivery")
    if not rights.may(me(), rights.SEE, row.package_id):
        raise KzError("publishing.not_readable")
    rights.require(me(), right, row.package_id)
    return row
