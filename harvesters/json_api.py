"""Any list that an API gives as JSON: its records are the rows of a table, or each names a data set with its file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest import checksums, lines, parts, steady
from ckanext.kzopen.publishing.harvest.kinds import Described, Fetched, Found, Harvester, Page, Say, Settings
from ckanext.kzopen.publishing.harvest.paging import WAYS, Paging, Sheet, Way, sheets
from ckanext.kzopen.publishing.harvest.steady import Reading
from jsonpath import JSONPathError, compile
from pydantic import AfterValidator, Field, SecretStr

FIELDS = "id, changed, download, title_kk, title_ru, description_kk, description_ru, keywords"


def _path(text: str) -> str:
    try:
        compile(text or "$")
    except JSONPathError as error:
        raise ValueError(f"JSONPath: {error}") from error
    return text


Path_ = Annotated[str, AfterValidator(_path)]
Paths = Annotated[dict[str, str], AfterValidator(lambda paths: {name: _path(text) for name, text in paths.items()})]


class JsonApiSettings(Settings):
    """Where the list is, how it is paged, and where in it the values are (JSONPath, RFC 9535)."""

    address: Annotated[str, Field(pattern=r"^https?://"), Say("Тізім мекенжайы", "Адрес списка", "Address of the list")]
    gives: Annotated[
        Literal["table", "catalogue"],
        Say(
            "Тізім нені береді",
            "Что даёт список",
            "What the list gives",
            choices={
                "table": {"kk": "Бір кестенің жолдарын", "ru": "Строки одной таблицы", "en": "The rows of one table"},
                "catalogue": {
                    "kk": "Деректер жиындарының тізімін",
                    "ru": "Перечень наборов данных",
                    "en": "A list of data sets",
                },
            },
        ),
    ] = "table"
    records: Annotated[Path_, Say("Жазбалар (JSONPath)", "Записи (JSONPath)", "Records (JSONPath)")] = "$[*]"
    paging: Annotated[Way, Say("Беттеу", "Постраничность", "Paging", choices=WAYS)] = "none"
    page_param: Annotated[str, Say("Бет параметрі", "Параметр страницы", "Parameter of the page")] = "page"
    size_param: Annotated[str, Say("Бет көлемінің параметрі", "Параметр размера", "Parameter of the size")] = ""
    size: Annotated[int, Field(ge=1, le=10_000), Say("Бет көлемі", "Размер страницы", "Size of a page")] = 100
    first_page: Annotated[int, Say("Бірінші беттің нөмірі", "Номер первой страницы", "Number of the first page")] = 1
    next_path: Annotated[Path_, Say("Келесі бет (JSONPath)", "Следующая страница (JSONPath)", "Next page (JSONPath)")] = ""
    total_path: Annotated[Path_, Say("Жалпы саны (JSONPath)", "Всего записей (JSONPath)", "Total (JSONPath)")] = ""
    changed_path: Annotated[
        Path_,
        Say(
            "Кестенің нұсқасы немесе өзгерген күні (JSONPath)",
            "Версия или дата изменения таблицы (JSONPath)",
            "Version or date of change of the table (JSONPath)",
            {
                "kk": "Бүкіл құжаттың мәні, әр бетте бірдей: оқылып жатқанда өзгерген кесте қайта оқылады.",
                "ru": "Значение всего документа, одно на всех страницах: изменённую при чтении таблицу читают заново.",
                "en": "Of the whole document, the same on all pages: a table that was changed meanwhile is read again.",
            },
        ),
    ] = ""
    key_header: Annotated[str, Say("Кілт тақырыбы", "Заголовок ключа", "Header of the key")] = "Authorization"
    key: Annotated[SecretStr | None, Say("API кілті", "Ключ API", "API key")] = None
    name: Annotated[str, Say("Кестенің мекенжайдағы атауы", "Имя таблицы в адресе", "Name of the table in addresses")] = ""
    title_kk: Annotated[str, Say("Атауы, қазақша", "Название по-казахски", "Title in Kazakh")] = ""
    title_ru: Annotated[str, Say("Атауы, орысша", "Название по-русски", "Title in Russian")] = ""
    columns: Annotated[
        Paths,
        Say(
            "Бағандар: атауы = JSONPath",
            "Столбцы: имя = JSONPath",
            "Columns: name = JSONPath",
            {
                "kk": "Әр жолда біреуден; бос болса, жазбаның барлық қарапайым өрісі алынады.",
                "ru": "По одному в строке; пусто – все простые поля записи.",
                "en": "One in a line; empty = all plain fields of a record.",
            },
        ),
    ] = Field(default_factory=dict)
    key_columns: Annotated[list[str], Say("Кілт бағандар", "Ключевые столбцы", "Key columns")] = Field(default_factory=list)
    fields: Annotated[
        Paths,
        Say(
            "Деректер жиынының өрістері: өріс = JSONPath",
            "Поля набора: поле = JSONPath",
            "Fields of a data set: field = JSONPath",
            {
                "kk": f"Деректер жиындарының тізімі үшін: {FIELDS}.",
                "ru": f"Для перечня наборов данных: {FIELDS}.",
                "en": f"For a list of data sets: {FIELDS}.",
            },
        ),
    ] = Field(default_factory=dict)


class JsonApi(Harvester[JsonApiSettings]):
    """One kind for most APIs: what differs between them is in the settings."""

    name = "json_api"
    label = {"kk": "JSON беретін API", "ru": "API с ответами в JSON", "en": "API that answers in JSON"}  # noqa: RUF012
    settings_model = JsonApiSettings

    def discover(self, cursor: Any) -> Iterator[Page]:
        """The table, or the data sets page after page."""
        if self.settings.gives == "table":
            yield Page([Found(self.settings.name or self.settings.address)])
            return
        for number, sheet in enumerate(self._sheets(cursor)):
            items = parts.each(sheet.records, self._items)
            begins = cursor is None and number == 0
            # Behind the last page some tell a total of 0.
            yield Page(items, sheet.cursor, self._total(sheet.document) if items or begins else None)

    def _items(self, record: Any) -> Iterator[Found]:
        found = {name: self._one(path, record) for name, path in self.settings.fields.items()}
        guid = parts.named(found.get("id"), f"id at {self.settings.fields.get('id')}")
        changed = found.get("changed")
        yield Found(guid, None if changed is None else str(changed), found)

    def describe(self, item: Found) -> Described:
        """What the settings say of the table, or what the record says of the data set."""
        said: Mapping[str, Any] = item.data or {"title_kk": self.settings.title_kk, "title_ru": self.settings.title_ru}
        words = said.get("keywords")
        keywords = [str(word) for word in words] if isinstance(words, list) else str(words or "").split(",")
        return Described(
            uri=item.guid if item.data else self.settings.name or self.settings.title_ru or "table",
            title={language: str(said.get(f"title_{language}") or "") for language in ("kk", "ru", "en")},
            description={language: str(said.get(f"description_{language}") or "") for language in ("kk", "ru", "en")},
            keywords={"ru": [word.strip() for word in keywords if word.strip()]},
            key=self.settings.key_columns,
        )

    def fetch(self, item: Found, into: Path) -> Fetched | None:
        """All records as lines of JSON, or the file that the record names.

        A table in pages is of one moment, by the signs that the settings name and by Last-Modified, else by the rows of the
        first page: not by an ETag, which is another for each answer that tells its own moment. Raises KzError
        harvest.fewer_rows_than_told, harvest.table_changes.
        """
        if self.settings.gives == "catalogue":
            if not item.data.get("download"):
                return None
            answer = self.reach.download(str(item.data["download"]), into)
            return Fetched(answer.headers.get("content-type"), str(item.data["download"]).rsplit("/", 1)[-1])
        steady.read(self.reach, lambda reading: self._write(into, reading), self._ask)
        return Fetched("application/x-ndjson", "records.ndjson")

    def _write(self, into: Path, reading: Reading) -> None:
        told = 0

        def rows() -> Iterator[dict[str, Any]]:
            nonlocal told
            for place, sheet in enumerate(self._sheets(None)):
                told = max(told, self._total(sheet.document) or 0)
                if place == 0:
                    self._begin(sheet, reading)
                if sheet.records:
                    reading.answer(changed=self._changed(sheet))
                yield from map(self._row, sheet.records)

        number = lines.write(rows(), into, self.reach.limits.unpacked)
        if number < told:
            raise KzError("harvest.fewer_rows_than_told", told=told, found=number)

    def _begin(self, sheet: Sheet, reading: Reading) -> None:
        """What the first page says of the table. Totals of further pages may be those of the pages."""
        reading.tell(total=self._total(sheet.document), changed=self._changed(sheet))
        if self.settings.paging != "none" and not reading.signs:
            reading.tell(rows=self._digest(sheet))
        reading.tell(modified=sheet.settled)
        self._age = sheet.age

    _age: timedelta | None = None

    def _ask(self, reading: Reading) -> None:
        """The first page once more; one that is not there any more has no rows."""
        sheet = next(self._sheets(None), Sheet(None, [], None))
        reading.tell(total=self._total(sheet.document), changed=self._changed(sheet))
        if "modified" in reading.signs and not sheet.is_as_old(self._age):
            reading.tell(modified=sheet.changed)
        elif "rows" in reading.signs:
            reading.tell(rows=self._digest(sheet))

    def _changed(self, sheet: Sheet) -> Any:
        return self._one(self.settings.changed_path, sheet.document)

    def _digest(self, sheet: Sheet) -> str:
        return checksums.digest([self._row(record) for record in sheet.records])

    def _row(self, record: Any) -> dict[str, Any]:
        if self.settings.columns:
            return {name: self._one(path, record) for name, path in self.settings.columns.items()}
        if not isinstance(record, dict):
            raise KzError("harvest.odd_list", problem="a record is not an object")
        return {name: value for name, value in record.items() if not isinstance(value, dict | list)}

    def _sheets(self, cursor: Any) -> Iterator[Sheet]:
        """The pages; the total tells only whether a page that is missing or comes again may be the end."""
        settings = self.settings
        way = Paging(
            settings.paging,
            settings.page_param,
            settings.size_param,
            settings.size,
            settings.first_page,
            lambda document: self._one(settings.next_path, document),
            self._total,
        )
        headers = {settings.key_header: settings.key.get_secret_value()} if settings.key else {}
        return sheets(self.reach, settings.address, way, self._records, headers, cursor)

    def _total(self, document: Any) -> int | None:
        total = self._one(self.settings.total_path, document)
        return None if total is None else int(total)

    def _records(self, document: Any) -> list[Any]:
        return self._compiled[self.settings.records].findall(document)

    def _one(self, path: str, document: Any) -> Any:
        """The first value at a path, None where there is none."""
        if not path:
            return None
        match = self._compiled[path].match(document)
        return match.obj if match else None

    @cached_property
    def _compiled(self) -> dict[str, Any]:
        settings = self.settings
        paths = {
            settings.records,
            settings.next_path,
            settings.total_path,
            settings.changed_path,
            *settings.columns.values(),
            *settings.fields.values(),
        }
        return {path: compile(path) for path in paths if path}
