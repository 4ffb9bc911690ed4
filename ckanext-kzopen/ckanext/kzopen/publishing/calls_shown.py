"""The calls of the universal API, one row each: what `openapi.json` and the page of the API are made of."""

from __future__ import annotations

from dataclasses import dataclass

from ckanext.kzopen.core.texts import Words
from ckanext.kzopen.publishing import answers, calls
from ckanext.kzopen.publishing.passport import Input, Passport
from pydantic import BaseModel


@dataclass(frozen=True)
class Call:
    """One call: `name` is its view; `body` a model, `rows`, or `part`; `open` whether anyone may make it."""

    name: str
    method: str
    path: str
    answer: type[BaseModel]
    summary: Words
    statuses: tuple[int, ...] = (200,)
    query: type[Input] | None = None
    body: type[BaseModel] | str | None = None
    open: bool = False


def _words(kk: str, ru: str, en: str) -> Words:
    return {"kk": kk, "ru": ru, "en": en}


CALLS = (
    Call(
        "put_dataset",
        "put",
        "/datasets/{uri}",
        answers.DatasetAnswer,
        _words(
            "Деректер жиынын құру немесе паспортын өзгерту",
            "Создать набор данных или изменить его паспорт",
            "Create a data set or change its passport",
        ),
        statuses=(200, 201),
        body=Passport,
    ),
    Call(
        "get_dataset",
        "get",
        "/datasets/{uri}",
        answers.DatasetAnswer,
        _words("Паспорт және ағымдағы нұсқа", "Паспорт и текущая версия", "The passport and the current version"),
        open=True,
    ),
    Call(
        "post_rows",
        "post",
        "/datasets/{uri}/rows",
        answers.DeliveryAnswer,
        _words("Жолдарды жіберу", "Отправить строки", "Send rows"),
        statuses=(200, 202),
        query=calls.RowsQuery,
        body="rows",
    ),
    Call(
        "get_versions",
        "get",
        "/datasets/{uri}/versions",
        answers.VersionsAnswer,
        _words("Нұсқалар, жаңасынан бастап", "Версии, начиная с новой", "The versions, newest first"),
        open=True,
    ),
    Call(
        "get_difference",
        "get",
        "/datasets/{uri}/versions/{number}/diff",
        answers.DifferenceAnswer,
        _words("Нұсқа нені өзгертті", "Что изменила версия", "What a version changed"),
        query=calls.DifferenceQuery,
        open=True,
    ),
    Call(
        "withdraw_dataset",
        "post",
        "/datasets/{uri}/withdraw",
        answers.WithdrawalAnswer,
        _words("Деректер жиынын барлық жерден алу", "Изъять набор отовсюду", "Take the data set out of every place"),
        query=calls.WithdrawalQuery,
        body=answers.WithdrawalOrder,
    ),
    Call(
        "withdraw_version",
        "post",
        "/datasets/{uri}/versions/{number}/withdraw",
        answers.WithdrawalAnswer,
        _words(
            "Нұсқаны барлық жерден алу; алдыңғысы ағымдағы болады",
            "Изъять версию отовсюду; текущей станет предыдущая",
            "Take a version out of every place; the one before it becomes current",
        ),
        query=calls.WithdrawalQuery,
        body=answers.WithdrawalOrder,
    ),
    Call(
        "withdraw_resource",
        "post",
        "/datasets/{uri}/resources/{resource}/withdraw",
        answers.WithdrawalAnswer,
        _words("Файлды барлық жерден алу", "Изъять файл отовсюду", "Take a file out of every place"),
        query=calls.WithdrawalQuery,
        body=answers.WithdrawalOrder,
    ),
    Call(
        "get_delivery",
        "get",
        "/deliveries/{delivery}",
        answers.DeliveryAnswer,
        _words("Жеткізілім қай күйде", "В каком состоянии поставка", "Where a delivery stands"),
    ),
    Call(
        "get_report",
        "get",
        "/deliveries/{delivery}/report",
        answers.ReportAnswer,
        _words("Тексеру нәтижесінің беті", "Страница отчёта о проверке", "A page of what the check found"),
        query=calls.ReportQuery,
    ),
    Call(
        "approve_delivery",
        "post",
        "/deliveries/{delivery}/approve",
        answers.DeliveryAnswer,
        _words(
            "Шешім күткен жеткізілімді жариялау", "Опубликовать поставку, ждущую решения", "Publish what waits for a decision"
        ),
        statuses=(200, 202),
    ),
    Call(
        "refuse_delivery",
        "post",
        "/deliveries/{delivery}/refuse",
        answers.DeliveryAnswer,
        _words("Жеткізілімді қабылдамау", "Отклонить поставку", "Refuse a delivery"),
        body=calls.Decision,
    ),
    Call(
        "release_delivery",
        "post",
        "/deliveries/{delivery}/release",
        answers.DeliveryAnswer,
        _words("Жеткізілімді оқшаулаудан шығару", "Выпустить поставку из карантина", "Let a delivery out of quarantine"),
        statuses=(200, 202),
        body=calls.Decision,
    ),
    Call(
        "begin_upload",
        "post",
        "/uploads",
        answers.UploadAnswer,
        _words("Бөліктеп жүктеуді бастау", "Начать загрузку по частям", "Announce a body that will come in parts"),
        statuses=(201,),
        body=calls.UploadOrder,
    ),
    Call(
        "get_upload",
        "get",
        "/uploads/{upload}",
        answers.UploadAnswer,
        _words("Қанша байт келді", "Сколько байт пришло", "How much has come"),
    ),
    Call(
        "head_upload",
        "head",
        "/uploads/{upload}",
        answers.UploadAnswer,
        _words("Қанша байт келді: Upload-Offset", "Сколько байт пришло: Upload-Offset", "How much has come, in Upload-Offset"),
    ),
    Call(
        "put_part",
        "put",
        "/uploads/{upload}",
        answers.UploadAnswer,
        _words("Келесі бөлік", "Следующая часть", "The next part"),
        body="part",
    ),
    Call(
        "complete_upload",
        "post",
        "/uploads/{upload}/complete",
        answers.DeliveryAnswer,
        _words("Бөліктерден жеткізілім жасау", "Сделать из частей поставку", "Make a delivery of the parts"),
        statuses=(200, 202),
        body=calls.Completion,
    ),
)
