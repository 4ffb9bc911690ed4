"""Outgoing mail: queued in the caller's transaction, sent by a job, tried again, never sent twice.

    mail.queue(session, template="people.confirm", to=address, language="kk", values={"link": link})

A template is three files `<template>.<language>.txt` (first line: subject) and `<template>.yaml` with values to try it with,
in this package's `templates` or in a folder that a section announces with `mail.templates(folder)`.

What is promised: a mail is handed to the mail server at most once after that server was given its text. When the worker dies,
or the connection breaks, between the last byte and the server's answer, nobody can know whether it was taken: such a mail is
*in doubt*, it is not sent again by itself, and `./kzopen doctor` names it with the command that sends it again.
"""

from pathlib import Path

from ckanext.kzopen.core.mail.addresses import checked, usable
from ckanext.kzopen.core.mail.bounces import came_back, is_dead, revive
from ckanext.kzopen.core.mail.letters import Letter, rendered, sample, template_names, templates
from ckanext.kzopen.core.mail.queue import Post, queue, queue_many, withdraw
from ckanext.kzopen.core.web import errors

errors.load(Path(__file__).with_name("errors.yaml"))
templates(Path(__file__).with_name("templates"))

__all__ = [
    "Letter",
    "Post",
    "came_back",
    "checked",
    "is_dead",
    "queue",
    "queue_many",
    "rendered",
    "revive",
    "sample",
    "template_names",
    "templates",
    "usable",
    "withdraw",
]
