"""What the kinds and the verbs of events are called; what has states is called as its machine says."""

from __future__ import annotations

from ckanext.kzopen.core import states
from ckanext.kzopen.core.texts import Words

KINDS: dict[str, Words] = {
    "account": {"kk": "Тіркелгі", "ru": "Учётная запись", "en": "Account"},
    "agency": {"kk": "Мемлекеттік орган", "ru": "Государственный орган", "en": "Agency"},
    "dataset": {"kk": "Деректер жиыны", "ru": "Набор данных", "en": "Data set"},
    "event_log": {"kk": "Оқиғалар журналы", "ru": "Журнал событий", "en": "Event log"},
    "information_system": {"kk": "Ақпараттық жүйе", "ru": "Информационная система", "en": "Information system"},
    "people": {"kk": "Адамдар тізімі", "ru": "Список людей", "en": "List of people"},
    "person": {"kk": "Қызметкер", "ru": "Сотрудник", "en": "Member of staff"},
    "invitation": {"kk": "Шақыру", "ru": "Приглашение", "en": "Invitation"},
    "staff_import": {"kk": "Қызметкерлерді жүктеу", "ru": "Загрузка сотрудников", "en": "Import of staff"},
    "system_token": {"kk": "Жүйенің токені", "ru": "Токен системы", "en": "Token of a system"},
}
VERBS: dict[str, Words] = {
    "accept": {"kk": "қабылданды", "ru": "принято", "en": "accepted"},
    "accept_repair": {"kk": "түзету қабылданды", "ru": "принято исправление", "en": "repair accepted"},
    "assign": {"kk": "рөл берілді", "ru": "назначена роль", "en": "role assigned"},
    "change": {"kk": "өзгертілді", "ru": "изменено", "en": "changed"},
    "change_email": {"kk": "пошта ауыстырылды", "ru": "сменена почта", "en": "e-mail changed"},
    "change_password": {"kk": "құпиясөз ауыстырылды", "ru": "сменён пароль", "en": "password changed"},
    "change_profile": {"kk": "профиль өзгертілді", "ru": "изменён профиль", "en": "profile changed"},
    "check_again": {"kk": "қайта өңдеуге жіберілді", "ru": "запущено заново", "en": "started again"},
    "close": {"kk": "жабылды", "ru": "закрыто", "en": "closed"},
    "close_to_public": {"kk": "жалпы қолжетімділігі жабылды", "ru": "закрыт для всех", "en": "closed for the public"},
    "confirm_email": {"kk": "пошта қайта расталды", "ru": "почта снова подтверждена", "en": "e-mail confirmed again"},
    "confirm_level": {"kk": "деңгей расталды", "ru": "подтверждён уровень", "en": "level confirmed"},
    "connect_provider": {"kk": "кіру қызметі қосылды", "ru": "подключён сервис входа", "en": "sign-in service connected"},
    "create": {"kk": "құрылды", "ru": "создано", "en": "created"},
    "delegate": {"kk": "орынбасар тағайындалды", "ru": "назначено замещение", "en": "substitution arranged"},
    "delete": {"kk": "жойылды", "ru": "удалено", "en": "deleted"},
    "delete_bytes": {"kk": "жіберілген файл жойылды", "ru": "удалён присланный файл", "en": "sent file deleted"},
    "describe": {"kk": "сипаттамасы өзгертілді", "ru": "изменено описание", "en": "description changed"},
    "disconnect_provider": {
        "kk": "кіру қызметі ажыратылды",
        "ru": "отключён сервис входа",
        "en": "sign-in service disconnected",
    },
    "end_assignment": {"kk": "рөл қайтарып алынды", "ru": "роль снята", "en": "role ended"},
    "end_delegation": {"kk": "алмастыру аяқталды", "ru": "замещение закончено", "en": "substitution ended"},
    "end_level": {"kk": "деңгейдің күші жойылды", "ru": "уровень прекращён", "en": "level ended"},
    "export": {"kk": "деректер жүктеп алынды", "ru": "выгружены данные", "en": "data exported"},
    "forget_repair": {"kk": "түзетуден бас тартылды", "ru": "исправление отменено", "en": "repair given up"},
    "import": {"kk": "кесте жүктелді", "ru": "таблица загружена", "en": "table imported"},
    "invite": {"kk": "шақырылды", "ru": "отправлено приглашение", "en": "invited"},
    "issue": {"kk": "берілді", "ru": "выпущен", "en": "issued"},
    "open_to_public": {"kk": "жалпы қолжетімділігі қайта ашылды", "ru": "снова открыт для всех", "en": "opened again"},
    "purge": {"kk": "біржола жойылды", "ru": "удалено насовсем", "en": "purged"},
    "read": {"kk": "дербес деректер қаралды", "ru": "просмотрены персональные данные", "en": "personal data read"},
    "refuse_address": {"kk": "бөтен мекенжайдан қабылданбады", "ru": "отклонён с чужого адреса", "en": "refused by address"},
    "refuse_row": {"kk": "жол жүктелмеді", "ru": "строка не загружена", "en": "row not imported"},
    "register": {"kk": "тіркелді", "ru": "зарегистрировано", "en": "registered"},
    "remove_second_factor": {"kk": "екінші фактор өшірілді", "ru": "отключён второй фактор", "en": "second factor removed"},
    "revoke": {"kk": "кері қайтарып алынды", "ru": "отозван", "en": "revoked"},
    "revoke_tokens": {
        "kk": "жеке токендер кері қайтарып алынды",
        "ru": "отозваны личные токены",
        "en": "personal tokens revoked",
    },
    "rotate": {"kk": "ауыстырылды", "ru": "заменён", "en": "replaced"},
    "set_by_operator": {"kk": "оператор өзгертті", "ru": "изменено оператором", "en": "changed by an operator"},
    "set_second_factor": {"kk": "екінші фактор қосылды", "ru": "подключён второй фактор", "en": "second factor set up"},
    "set_second_person": {
        "kk": "екінші адамның шешімі туралы ереже өзгертілді",
        "ru": "изменено правило второго человека",
        "en": "rule of the second person changed",
    },
    "set_thresholds": {"kk": "шектер өзгертілді", "ru": "изменены пороги", "en": "thresholds changed"},
    "sign_in": {"kk": "жүйеге кірді", "ru": "вход", "en": "signed in"},
    "sign_in_failed": {"kk": "кіру сәтсіз болды", "ru": "неудачный вход", "en": "signing in failed"},
    "sign_out": {"kk": "жүйеден шықты", "ru": "выход", "en": "signed out"},
    "thin": {"kk": "нұсқалар сиретілді", "ru": "версии прорежены", "en": "versions thinned"},
    "use_recovery_code": {
        "kk": "қалпына келтіру коды қолданылды",
        "ru": "использован код восстановления",
        "en": "recovery code used",
    },
    "withdraw": {"kk": "жарияланымнан алынды", "ru": "снято с публикации", "en": "withdrawn"},
}


def kinds() -> dict[str, Words]:
    """The kinds of objects by which the log is filtered."""
    return KINDS | {name: states.machine_of(name).label for name in states.kinds()}


def verbs() -> dict[str, Words]:
    """What can have happened, by which the log is filtered; a transition of several machines is told as the first says."""
    found = dict(VERBS)
    for machine in map(states.machine_of, states.kinds()):
        for verb in machine.transitions:
            found.setdefault(verb, machine.label_of(verb))
    return found


def kind_word(kind: str) -> Words | str:
    """What a kind is called; its own name where nobody has said."""
    return kinds().get(kind, kind)


def verb_word(kind: str, verb: str) -> Words | str:
    """What happened, in a word or two."""
    if kind in states.kinds() and verb in states.machine_of(kind).transitions:
        return states.machine_of(kind).label_of(verb)
    return VERBS.get(verb, verb)
