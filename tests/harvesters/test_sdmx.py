"""Statistics in SDMX from a stand-in for a web service of SDMX 2.1, in each form in which such services give data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ckanext.kzopen.core.web.errors import KzError
from ckanext.kzopen.publishing.harvest.kinds import AnyHarvester
from ckanext.kzopen.publishing.harvest.reach import NotChanged

from tests.harvesters.alone import alone, found, rows
from tests.publishing.harvest.conftest import Harvest, counts
from tests.publishing.harvest.source import Answer, Catalogue, Handler, says, send

SPACES = " ".join(
    f'xmlns:{name}="http://www.sdmx.org/resources/sdmxml/schemas/v2_1/{path}"'
    for name, path in {"m": "message", "s": "structure", "c": "common", "g": "data/generic"}.items()
)


def message(inside: str, root: str = "Structure") -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><m:{root} {SPACES}>{inside}</m:{root}>'.encode()


def generic(inside: str) -> bytes:
    return message(f"<m:DataSet>{inside}</m:DataSet>", "GenericData")


def specific(inside: str, of_set: str = "") -> bytes:
    return message(f"<m:DataSet {of_set}>{inside}</m:DataSet>", "StructureSpecificData")


CS = '<Ref maintainableParentID="CS" maintainableParentVersion="1.0" agencyID="KZ"'
FLOWS = message("""<m:Structures><s:Dataflows>
  <s:Dataflow id="LABOUR" agencyID="KZ" version="2.0">
    <c:Name xml:lang="ru">Рынок труда</c:Name><c:Name xml:lang="kk">Еңбек нарығы</c:Name>
    <c:Description xml:lang="ru">Занятые по регионам</c:Description>
    <s:Structure><Ref id="DSD_LABOUR" agencyID="KZ" version="1.1" package="datastructure" class="DataStructure"/></s:Structure>
  </s:Dataflow>
</s:Dataflows></m:Structures>""")
STRUCTURE = message(f"""<m:Structures>
  <s:Codelists><s:Codelist id="CL_AREA" agencyID="KZ" version="1.0"><c:Name xml:lang="ru">Регионы</c:Name>
    <s:Code id="71"><c:Name xml:lang="ru">г. Астана</c:Name><c:Name xml:lang="kk">Астана қ.</c:Name></s:Code>
    <s:Code id="75"><c:Name xml:lang="en">Almaty city</c:Name></s:Code></s:Codelist></s:Codelists>
  <s:Concepts><s:ConceptScheme id="CS" agencyID="KZ" version="1.0">
    <s:Concept id="REF_AREA"><c:Name xml:lang="kk">Өңір</c:Name><c:Name xml:lang="ru">Регион</c:Name></s:Concept>
    <s:Concept id="TIME_PERIOD"><c:Name xml:lang="ru">Период</c:Name></s:Concept>
    <s:Concept id="OBS_STATUS"><c:Name xml:lang="ru">Состояние</c:Name></s:Concept></s:ConceptScheme></s:Concepts>
  <s:DataStructures><s:DataStructure id="DSD_LABOUR" agencyID="KZ" version="1.1"><s:DataStructureComponents>
    <s:DimensionList id="DimensionDescriptor">
      <s:Dimension id="REF_AREA" position="1"><s:ConceptIdentity>{CS} id="REF_AREA"/></s:ConceptIdentity>
        <s:LocalRepresentation><s:Enumeration><Ref id="CL_AREA" agencyID="KZ"/></s:Enumeration></s:LocalRepresentation>
      </s:Dimension>
      <s:TimeDimension id="TIME_PERIOD" position="2"><s:ConceptIdentity>{CS} id="TIME_PERIOD"/></s:ConceptIdentity>
        <s:LocalRepresentation><s:TextFormat textType="ObservationalTimePeriod"/></s:LocalRepresentation></s:TimeDimension>
    </s:DimensionList>
    <s:AttributeList id="AttributeDescriptor"><s:Attribute id="OBS_STATUS" assignmentStatus="Conditional">
      <s:ConceptIdentity>{CS} id="OBS_STATUS"/></s:ConceptIdentity></s:Attribute></s:AttributeList>
    <s:MeasureList id="MeasureDescriptor"><s:PrimaryMeasure id="OBS_VALUE"><s:ConceptIdentity>{CS} id="OBS_VALUE"/>
      </s:ConceptIdentity></s:PrimaryMeasure></s:MeasureList>
  </s:DataStructureComponents></s:DataStructure></s:DataStructures></m:Structures>""")
ROWS = [
    ["REF_AREA", "REF_AREA_name", "TIME_PERIOD", "OBS_VALUE", "OBS_STATUS"],
    ["71", "г. Астана", "2025-Q1", "640.5", "A"],
    ["75", "Almaty city", "2025-Q1", "1210", ""],
]
CSV = (
    "DATAFLOW,REF_AREA,TIME_PERIOD,OBS_VALUE,OBS_STATUS\nKZ:LABOUR(2.0),71,2025-Q1,640.5,A\nKZ:LABOUR(2.0),75,2025-Q1,1210,\n"
)
FLAT = generic("""<g:Obs><g:ObsKey><g:Value id="REF_AREA" value="71"/><g:Value id="TIME_PERIOD" value="2025-Q1"/>
  </g:ObsKey><g:ObsValue value="640.5"/><g:Attributes><g:Value id="OBS_STATUS" value="A"/></g:Attributes></g:Obs>
  <g:Obs><g:ObsKey><g:Value id="REF_AREA" value="75"/><g:Value id="TIME_PERIOD" value="2025-Q1"/></g:ObsKey>
  <g:ObsValue value="1210"/></g:Obs>""")
SERIES = generic("""<g:Series><g:SeriesKey><g:Value id="REF_AREA" value="71"/></g:SeriesKey>
  <g:Obs><g:ObsDimension value="2025-Q1"/><g:ObsValue value="640.5"/><g:Attributes><g:Value id="OBS_STATUS" value="A"/>
  </g:Attributes></g:Obs></g:Series><g:Series><g:SeriesKey><g:Value id="REF_AREA" value="75"/></g:SeriesKey>
  <g:Obs><g:ObsDimension value="2025-Q1"/><g:ObsValue value="1210"/></g:Obs></g:Series>""")
SPECIFIC = specific("""<Series REF_AREA="71"><Obs TIME_PERIOD="2025-Q1" OBS_VALUE="640.5" OBS_STATUS="A"/></Series>
  <Series REF_AREA="75"><Obs TIME_PERIOD="2025-Q1" OBS_VALUE="1210"/></Series>""")
FORMS: dict[str, tuple[bytes, str]] = {
    "csv": (CSV.encode(), "application/vnd.sdmx.data+csv;version=1.0.0"),
    "flat": (FLAT, "application/vnd.sdmx.genericdata+xml;version=2.1"),
    "series": (SERIES, "application/xml"),
    "specific": (SPECIFIC, "application/vnd.sdmx.structurespecificdata+xml;version=2.1"),
}
BASE = "/rest"


def serve(catalogue: Catalogue, data: Answer) -> str:
    xml = "application/vnd.sdmx.structure+xml;version=2.1"
    catalogue.instead[f"{BASE}/dataflow/KZ/all/latest"] = says(200, FLOWS, xml)
    catalogue.instead[f"{BASE}/datastructure/KZ/DSD_LABOUR/1.1?references=descendants"] = says(200, STRUCTURE, xml)
    catalogue.instead[f"{BASE}/data/KZ,LABOUR,2.0/all"] = data
    return f"{catalogue.url}{BASE}/"


@pytest.mark.parametrize("form", FORMS)
def test_a_dataflow_is_a_table_with_the_names_of_its_codes(harvest: Harvest, catalogue: Catalogue, form: str) -> None:
    harvest.ready("sdmx", {"address": serve(catalogue, says(200, *FORMS[form])), "agency": "KZ"})
    run = harvest.run()
    assert (counts(run)["seen"], counts(run)["added"]) == (1, 1), harvest.items(run)
    (item,) = harvest.items(run)
    assert harvest.rows(item) == ROWS
    passport = harvest.app.get(f"/api/universal/v1/datasets/{item['uri']}").json
    assert (passport["title"]["kk"], passport["schema"]["primaryKey"]) == ("Еңбек нарығы", ["REF_AREA", "TIME_PERIOD"])
    names = {field["name"]: field.get("title_translated", {}) for field in passport["schema"]["fields"]}
    assert (names["REF_AREA"]["kk"], names["REF_AREA_name"]["ru"]) == ("Өңір", "Регион (название)")
    assert counts(harvest.run())["unchanged"] == 1


def test_another_form_of_the_same_data_is_no_change(harvest: Harvest, catalogue: Catalogue) -> None:
    harvest.ready("sdmx", {"address": serve(catalogue, says(200, *FORMS["csv"])), "agency": "KZ"})
    assert counts(harvest.run())["added"] == 1
    serve(catalogue, says(200, *FORMS["series"]))
    assert counts(harvest.run())["unchanged"] == 1


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (says(200, b'<!DOCTYPE r [<!ENTITY a "ha">]><r><Obs x="&a;"/></r>', "application/xml"), "client.xml_entities"),
        (says(200, FLAT[:-40], "application/xml"), "client.bad_xml"),
        (says(404, b"", "text/plain"), "harvest.not_there"),
        (says(200, CSV.replace("75,2025-Q1", "71,2025-Q1").encode(), "text/csv"), "harvest.refused"),
    ],
)
def test_odd_data_fail_their_dataflow(harvest: Harvest, catalogue: Catalogue, data: Answer, error: str) -> None:
    harvest.add("sdmx", {"address": serve(catalogue, data), "agency": "KZ"})
    (item,) = harvest.items(harvest.run("preview"))
    assert item["error"] == error


def test_a_structure_that_is_not_there_fails_its_dataflow(harvest: Harvest, catalogue: Catalogue) -> None:
    address = serve(catalogue, says(200, *FORMS["csv"]))
    catalogue.instead[f"{BASE}/datastructure/KZ/DSD_LABOUR/1.1?references=descendants"] = says(200, FLOWS, "application/xml")
    harvest.add("sdmx", {"address": address, "agency": "KZ"})
    (item,) = harvest.items(harvest.run("preview"))
    assert item["error"] == "harvest.odd_item"


def read(catalogue: Catalogue, data: Answer, structure: bytes = STRUCTURE, **more: int) -> AnyHarvester:
    address = serve(catalogue, data)
    catalogue.instead[f"{BASE}/datastructure/KZ/DSD_LABOUR/1.1?references=descendants"] = says(200, structure)
    return alone("sdmx", {"address": address, "agency": "KZ"}, **more)


def table(catalogue: Catalogue, folder: Path, data: Answer, structure: bytes = STRUCTURE) -> list[list[str]]:
    harvester = read(catalogue, data, structure)
    return rows(harvester, found(harvester)[0], folder)


def refused(does: Callable[[], object]) -> str:
    with pytest.raises(KzError) as caught:
        does()
    return caught.value.code


XML, IN_CSV = "application/xml", "text/csv"
KEY = '<g:Value id="REF_AREA" value="71"/>'
STATUS = '<g:Attributes><g:Value id="OBS_STATUS" value="{}"/></g:Attributes>'
OF_71 = (
    f'<g:Series><g:SeriesKey>{KEY}</g:SeriesKey><g:Obs><g:ObsDimension value="2025-Q1"/><g:ObsValue value="640.5"/></g:Obs>'
)
OF_75 = OF_71.replace("71", "75").replace("640.5", "1210")
GROUP = f'<g:Group type="Sibling"><g:GroupKey>{KEY}</g:GroupKey>{STATUS.format("A")}</g:Group>'
BY_GROUP = generic(f"{STATUS.format('B')}{GROUP}{OF_71}</g:Series>{OF_75}</g:Series>")
BY_GROUP_SPECIFIC = specific(
    '<Group type="Sibling" REF_AREA="71" OBS_STATUS="A"/><Series REF_AREA="71"><Obs TIME_PERIOD="2025-Q1" OBS_VALUE="640.5"/>'
    '</Series><Series REF_AREA="75"><Obs TIME_PERIOD="2025-Q1" OBS_VALUE="1210"/></Series>',
    'OBS_STATUS="B"',
)


@pytest.mark.parametrize("data", [BY_GROUP, BY_GROUP_SPECIFIC])
def test_what_is_told_of_a_group_or_of_all_counts_for_each_observation(
    catalogue: Catalogue, tmp_path: Path, data: bytes
) -> None:
    expected = [*ROWS[:2], [*ROWS[2][:-1], "B"]]
    assert table(catalogue, tmp_path, says(200, data, XML)) == expected
    in_csv = CSV.replace("1210,", "1210,B").encode()
    assert table(catalogue, tmp_path, says(200, in_csv, IN_CSV)) == expected


def test_what_is_told_of_one_data_set_does_not_count_for_the_next(catalogue: Catalogue, tmp_path: Path) -> None:
    both = f"{STATUS.format('A')}{OF_71}</g:Series></m:DataSet><m:DataSet>{OF_75}</g:Series>"
    assert table(catalogue, tmp_path, says(200, generic(both), XML)) == ROWS


FOOTER = '<f:Footer xmlns:f="footer"><f:Message code="510" severity="{}"><c:Text>too much</c:Text></f:Message></f:Footer>'
CUT = FLAT.replace(b"</m:GenericData>", FOOTER.format("Warning").encode() + b"</m:GenericData>")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"REF_AREA,OBS_VALUE,OBS_STATUS\n71,1,A\n", IN_CSV),
        (b"REF_AREA,TIME_PERIOD,OBS_STATUS\n71,2025,A\n", IN_CSV),
        (b"<!doctype html><html></html>", IN_CSV),
        (b"", IN_CSV),
        (CSV.encode().replace(b"640.5,A", b"640,5,A"), IN_CSV),
        (CSV.encode().replace(b"KZ:LABOUR(2.0),71,2025-Q1,640.5,A", b"KZ:LABOUR(2.0)"), IN_CSV),
        (CSV.replace("A", "Ә").encode("utf-16"), IN_CSV),
        (message('<m:ErrorMessage code="100"><c:Text>none</c:Text></m:ErrorMessage>', "Error"), XML),
        (message("", "Structure"), XML),
        (b"<html/>", XML),
        (CUT, XML),
        (
            generic(FLAT.decode().partition("<m:DataSet>")[2].replace('id="TIME_PERIOD"', 'id="TIME"').partition("</m:D")[0]),
            XML,
        ),
        (message("<g:Obs/>", "GenericData"), XML),
    ],
)
def test_an_answer_without_the_observations_is_no_table(catalogue: Catalogue, tmp_path: Path, data: bytes, kind: str) -> None:
    assert refused(lambda: table(catalogue, tmp_path, says(200, data, kind))) == "harvest.odd_item"


def test_a_footer_that_only_informs_is_no_error(catalogue: Catalogue, tmp_path: Path) -> None:
    assert table(catalogue, tmp_path, says(200, CUT.replace(b"Warning", b"Information"), XML)) == ROWS


def test_a_table_is_left_when_its_names_make_it_larger_than_an_answer_may_be(catalogue: Catalogue, tmp_path: Path) -> None:
    long = STRUCTURE.replace("г. Астана".encode(), b"n" * 10_000)
    names = table(catalogue, tmp_path, says(200, *FORMS["csv"]), long)
    assert len(names[1][1]) == 300
    many = "REF_AREA,TIME_PERIOD,OBS_VALUE,OBS_STATUS\n" + "".join(f"71,{year},1,\n" for year in range(3000))
    harvester = read(catalogue, says(200, many.encode(), IN_CSV), long, received=100_000, unpacked=100_000)
    (item,) = found(harvester)
    assert refused(lambda: rows(harvester, item, tmp_path)) == "client.too_large"


def test_who_cancels_a_run_ends_the_writing_of_a_table(catalogue: Catalogue, tmp_path: Path) -> None:
    many = "REF_AREA,TIME_PERIOD,OBS_VALUE,OBS_STATUS\n" + "".join(f"71,{year},1,\n" for year in range(3000))
    harvester = read(catalogue, says(200, many.encode(), IN_CSV))
    (item,) = found(harvester)
    looks = iter([False] * 3)  # before each of both requests, and after the first thousand rows
    harvester.reach.ended = lambda: next(looks, True)
    assert refused(lambda: rows(harvester, item, tmp_path)) == "harvest.cancelled"
    assert 1000 <= len((tmp_path / "table").read_text().splitlines()) < 3000


@pytest.mark.parametrize(("old", "new"), [("г. Астана", "Астана"), ("Регион<", "Область<")])
def test_the_same_bytes_are_read_again_when_the_structure_says_other_names(
    catalogue: Catalogue, tmp_path: Path, old: str, new: str
) -> None:
    def answer(handler: Handler) -> None:
        is_same = handler.headers.get("If-None-Match") == '"1"'
        send(handler, 304 if is_same else 200, b"" if is_same else CSV.encode(), "text/csv", ETag='"1"')

    harvester = read(catalogue, answer)
    (item,) = found(harvester)
    assert rows(harvester, item, tmp_path) == ROWS
    with pytest.raises(NotChanged):
        harvester.fetch(item, tmp_path / "table")
    read(catalogue, answer, STRUCTURE.replace(old.encode(), new.encode()))
    assert len(rows(harvester, item, tmp_path)) == len(ROWS)


OTHER = (
    '<s:Codelist id="CL_AREA" agencyID="{}" version="{}"><s:Code id="71"><c:Name xml:lang="ru">Не то</c:Name></s:Code>'
    "</s:Codelist>"
)
LOCAL = '<s:LocalRepresentation><s:Enumeration><Ref id="CL_AREA" agencyID="KZ"/></s:Enumeration></s:LocalRepresentation>'
CORE = "<s:CoreRepresentation><s:Enumeration>{}</s:Enumeration></s:CoreRepresentation></s:Concept>"


@pytest.mark.parametrize(("agency", "version"), [("KZ", "1.1"), ("OTHER", "1.0")])
@pytest.mark.parametrize("place", ["<s:Codelists>", "</s:Codelists>"])
def test_a_codelist_is_known_by_agency_and_version(
    catalogue: Catalogue, tmp_path: Path, agency: str, version: str, place: str
) -> None:
    other = OTHER.format(agency, version)
    both = STRUCTURE.replace(place.encode(), (place + other if place[1] == "s" else other + place).encode())
    assert table(catalogue, tmp_path, says(200, *FORMS["csv"]), both) == ROWS


@pytest.mark.parametrize(
    "listed",
    ['<Ref id="CL_AREA" agencyID="KZ"/>', "<URN>urn:sdmx:org.sdmx.infomodel.codelist.Codelist=KZ:CL_AREA(1.0)</URN>"],
)
def test_a_codelist_may_stand_at_the_concept(catalogue: Catalogue, tmp_path: Path, listed: str) -> None:
    told = STRUCTURE.decode().replace(LOCAL, "").replace("</s:Concept>", CORE.format(listed), 1)
    assert table(catalogue, tmp_path, says(200, *FORMS["csv"]), told.encode()) == ROWS


def test_a_concept_of_another_scheme_is_another(catalogue: Catalogue, tmp_path: Path) -> None:
    other = '<s:ConceptScheme id="CS2" agencyID="KZ"><s:Concept id="REF_AREA"><c:Name xml:lang="ru">Не то</c:Name></s:Concept>'
    both = STRUCTURE.replace(b"</s:Concepts>", f"{other}</s:ConceptScheme></s:Concepts>".encode())
    harvester = read(catalogue, says(200, *FORMS["csv"]), both)
    schema = harvester.describe(found(harvester)[0]).schema
    assert schema is not None
    assert schema["fields"][0]["title_translated"]["ru"] == "Регион"


STUBS = message("""<m:Structures><s:Dataflows>
  <s:Dataflow id="STUB" agencyID="KZ" version="1.0" isExternalReference="true"><c:Name>Elsewhere</c:Name></s:Dataflow>
  <s:Dataflow id="LABOUR" agencyID="KZ" version="2.0"><c:Name>Labour</c:Name><s:Structure>
    <URN>urn:sdmx:org.sdmx.infomodel.datastructure.DataStructure=KZ:DSD_LABOUR(1.1)</URN></s:Structure></s:Dataflow>
</s:Dataflows></m:Structures>""")


def test_a_dataflow_without_a_structure_stays_in_the_list_and_says_what_is_lost(catalogue: Catalogue, tmp_path: Path) -> None:
    harvester = read(catalogue, says(200, *FORMS["csv"]))
    catalogue.instead[f"{BASE}/dataflow/KZ/all/latest"] = says(200, STUBS)
    stub, by_urn = found(harvester)
    assert (stub.guid, by_urn.guid) == ("KZ:STUB", "KZ:LABOUR")
    assert refused(lambda: harvester.describe(stub)) == "harvest.odd_item"
    assert rows(harvester, by_urn, tmp_path) == ROWS


def test_what_is_no_message_of_structures_is_no_list(catalogue: Catalogue) -> None:
    harvester = read(catalogue, says(200, *FORMS["csv"]))
    catalogue.instead[f"{BASE}/dataflow/KZ/all/latest"] = says(200, message("", "Error"))
    assert refused(lambda: found(harvester)) == "harvest.odd_list"


def test_the_structure_is_asked_for_once(catalogue: Catalogue, tmp_path: Path) -> None:
    harvester = read(catalogue, says(200, *FORMS["csv"]))
    (item,) = found(harvester)
    harvester.describe(item)
    assert rows(harvester, item, tmp_path) == ROWS
    assert len(catalogue.requests(f"{BASE}/datastructure/")) == 1
    read(catalogue, says(200, *FORMS["csv"]), STRUCTURE.replace("Регион<".encode(), "Область<".encode()))
    schema = harvester.describe(item).schema
    assert schema is not None
    assert schema["fields"][0]["title_translated"]["ru"] == "Область", "another visit to the same item asks again"


def test_a_dataflow_that_is_none_fails_alone(catalogue: Catalogue, tmp_path: Path) -> None:
    harvester = read(catalogue, says(200, *FORMS["csv"]))
    flows = FLOWS.replace(
        b"<s:Dataflows>", b"<s:Dataflows><s:Dataflow/><s:Dataflow id='X' version=''><s:Structure/></s:Dataflow>"
    )
    catalogue.instead[f"{BASE}/dataflow/KZ/all/latest"] = says(200, flows)
    *odd, good = found(harvester)
    assert [refused(lambda item=item: harvester.describe(item)) for item in odd] == ["harvest.odd_item"] * 2  # type: ignore[misc]
    assert rows(harvester, good, tmp_path) == ROWS


def test_flows_of_several_agencies_have_different_names(catalogue: Catalogue) -> None:
    address = serve(catalogue, says(200, *FORMS["csv"]))
    catalogue.instead[f"{BASE}/dataflow/all/all/latest"] = says(200, FLOWS)
    one, all_of = alone("sdmx", {"address": address, "agency": "KZ"}), alone("sdmx", {"address": address})
    assert [each.describe(found(each)[0]).uri for each in (one, all_of)] == ["LABOUR", "KZ-LABOUR"]
