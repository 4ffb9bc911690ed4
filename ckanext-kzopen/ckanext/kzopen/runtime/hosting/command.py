"""`./kzopen systemd`."""

from __future__ import annotations

from pathlib import Path

import click
from ckanext.kzopen.runtime.command import data_option, portal_with

UNITS = "/etc/systemd/system/"


@click.command()
@data_option
@click.option("--to", "target", type=click.Path(path_type=Path, file_okay=False), help="Write the files into this folder.")
@click.option("--user", help="The account that runs the portal (default: the owner of its data).")
@click.option("--backups", type=click.Path(path_type=Path, file_okay=False), help="Also back up each night into this folder.")
@click.option("--keep", type=click.IntRange(1, 1000), default=14, show_default=True, help="How many backups are kept.")
def systemd(data: Path | None, target: Path | None, user: str | None, backups: Path | None, keep: int) -> None:
    """Units for systemd and a configuration of nginx, made from the settings; shown, or written with --to.

    Run it in the folder of kzopen.toml. nginx's file is made when `site_url` begins with https.

    Example: ./kzopen systemd --data /srv/kzopen --user kzopen --backups /backup --to units
    """
    from ckanext.kzopen.runtime.hosting import making

    portal = portal_with(data=data)
    wanted = making.Wanted(user or making.owner_of(portal), Path.cwd(), backups.absolute() if backups else None, keep)
    try:
        found = making.files_of(portal, wanted)
    except making.CannotMake as error:
        raise click.ClickException(str(error)) from error
    if target is None:
        for name, text in found.items():
            click.echo(f"#### {name}\n{text}")
    else:
        target.mkdir(parents=True, exist_ok=True)
        for name, text in found.items():
            (target / name).write_text(text, encoding="utf-8")
            click.echo(f"  {target / name}")
        _what_next(target, list(found), making.host_of(portal.settings))
    _warn(portal.settings.trusted_proxies, making.has_web(portal.settings), making.only_here())


def _what_next(target: Path, names: list[str], host: str) -> None:
    """The commands that put the files into their places."""
    units = [name for name in names if name != "nginx.conf"]
    start = "kzopen" + (" kzopen-backup.timer" if len(units) > 1 else "")
    click.echo(f"sudo cp {' '.join(str(target / name) for name in units)} {UNITS}")
    click.echo(f"sudo systemctl daemon-reload && sudo systemctl enable --now {start}")
    if "nginx.conf" in names:
        click.echo(f"sudo certbot certonly --standalone -d {host}   # or a certificate of your own, named in nginx.conf")
        click.echo(
            f"sudo cp {target / 'nginx.conf'} /etc/nginx/conf.d/kzopen.conf && sudo nginx -t && sudo systemctl reload nginx"
        )


def _warn(proxies: int, web: bool, here: list[str]) -> None:
    """What the settings lack, on the error stream: the files themselves may be piped on."""
    if not web:
        click.echo('! no nginx.conf: give the address that readers use, site_url = "https://…", in kzopen.toml', err=True)
    elif not proxies:
        click.echo("! set trusted_proxies = 1 in kzopen.toml, or all readers seem to have nginx's address", err=True)
    if here:
        click.echo(f"! only this shell has {', '.join(here)}: move to kzopen.toml or /etc/kzopen/environment", err=True)
