"""Setting a second factor up, asking for its code, and taking it away."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime

from ckan import model
from ckanext.kzopen.core.people.second_factor import totp
from ckanext.kzopen.core.people.second_factor.model import RecoveryCode, SecondFactor
from ckanext.kzopen.core.people.secrets import decrypted, encrypted, keyed
from ckanext.kzopen.core.people.throttle import Limit, count, forget
from ckanext.kzopen.core.record.events import AnySession, write_event
from ckanext.kzopen.core.web.errors import KzError
from sqlalchemy import delete, func, select, update

TRIES = Limit("second-factor", 5, 15 * 60)
CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another one


def enrolled(user_id: str) -> bool:
    """Whether the person has a second factor."""
    query = select(SecondFactor.user_id).where(SecondFactor.user_id == user_id)
    return model.Session.execute(query).first() is not None


def enrol(session: AnySession, user_id: str, secret: str, code: str, address: str) -> list[str]:
    """Keep the secret once its owner has typed a code of it; ten new recovery codes. KzError people.wrong_code."""
    count(TRIES, user_id)
    step = totp.step_of(secret, code, time.time(), 0)
    if step is None:
        raise KzError("people.wrong_code")
    forget(TRIES, user_id)
    session.merge(SecondFactor(user_id=user_id, secret=encrypted("second factor", secret), last_step=step))
    _write(session, user_id, "set_second_factor", user_id, address)
    return new_codes(session, user_id)


def new_codes(session: AnySession, user_id: str) -> list[str]:
    """Ten new recovery codes in the place of the old ones; they are shown once."""
    codes = ["-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(2)) for _ in range(CODES)]
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    session.add_all(RecoveryCode(user_id=user_id, digest=_digest(user_id, code)) for code in codes)
    return codes


def codes_left(session: AnySession, user_id: str) -> int:
    """How many recovery codes were not used yet."""
    query = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used.is_(None))
    return int(session.execute(query).scalar_one())


def check(session: AnySession, user_id: str, code: str, address: str) -> None:
    """Use up a code of the application or a recovery code; KzError people.wrong_code, people.too_many_tries.

    Of two requests with the same code at once one is let in: the step is raised, or the code marked, by one statement.
    """
    count(TRIES, user_id)
    if not _is_of_application(session, user_id, code) and not _is_for_recovery(session, user_id, code, address):
        raise KzError("people.wrong_code")
    forget(TRIES, user_id)


def _is_of_application(session: AnySession, user_id: str, code: str) -> bool:
    row = session.get(SecondFactor, user_id)
    if row is None:
        return False
    step = totp.step_of(decrypted("second factor", row.secret), code, time.time(), row.last_step)
    if step is None:
        return False
    raised = update(SecondFactor).where(SecondFactor.user_id == user_id, SecondFactor.last_step < step)
    return session.execute(raised.values(last_step=step).returning(SecondFactor.user_id)).first() is not None


def _is_for_recovery(session: AnySession, user_id: str, code: str, address: str) -> bool:
    row, wanted = RecoveryCode, _digest(user_id, code)
    marked = update(row).where(row.user_id == user_id, row.digest == wanted, row.used.is_(None))
    if session.execute(marked.values(used=datetime.now(UTC)).returning(row.user_id)).first() is None:
        return False
    _write(session, user_id, "use_recovery_code", user_id, address)
    return True


def remove(session: AnySession, user_id: str, by: str, address: str | None = None) -> None:
    """Take the second factor away: its owner, or an operator for one who has lost device and codes."""
    session.execute(delete(SecondFactor).where(SecondFactor.user_id == user_id))
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    _write(session, user_id, "remove_second_factor", by, address)


def _digest(user_id: str, code: str) -> str:
    return keyed("recovery code", f"{user_id} {code.strip().lower().replace('-', '').replace(' ', '')}")


def _write(session: AnySession, user_id: str, verb: str, by: str, address: str | None) -> None:
    write_event(session, kind="account", object_id=user_id, verb=verb, actor=by, address=address)
