"""Statistics in SDMX from a stand-in for a web service of SDMX 2.1, in each form in which such services give data."""

from __future__ import annotations

import pytest

from tests.publishing.harvest.conftest import Harvest, counts
from tests.publishing.harvest.source import Answer, Catalogue, says

SPACES = " ".join(
    f'xmlns:{name}="http://www.sdmx.org/resources/sdmxml/schemas/v2_1/{path}"'
    for name, path in {"m": "message", "s": "structure", "c": "common", "g": "data/generic"}.items()
)


def message(inside: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><m:Structure {SPACES}>{inside}</m:Structure>'.encode()


FLOWS = message("""<m:Structures><s:Dataflows>
  <s:Dataflow id="LABOUR" agencyID="KZ" version="2.0">
    <c:Name xml:lang="ru">Рынок труда</c:Name><c:Name xml:lang="kk">Еңбек нарығы</c:Name>
    <c:Description xml:lang="ru">Занятые по регионам</c:Description>
    <s:Structure><Ref id="DSD_LABOUR" agencyID="KZ" version="1.1" package="datastructure" class="DataStructure"/></s:Structure>
  </s:Dataflow>
  <s:Dataflow id="STUB" agencyID="KZ" version="1.0" isExternalReference="true"><c:Name>Elsewhere</c:Name></s:Dataflow>
</s:Dataflows></m:Structures>""")
STRUCTURE = message("""<m:Structures>
  <s:Codelists><s:Codelist id="CL_AREA" agencyID="KZ" version="1.0"><c:Name xml:lang="ru">Регионы</c:Name>
    <s:Code id="71"><c:Name xml:lang="ru">г. Астана</c:Name><c:Name xml:lang="kk">Астана қ.</c:Name></s:Code>
    <s:Code id="75"><c:Name xml:lang="en">Almaty city</c:Name></s:Code></s:Codelist></s:Codelists>
  <s:Concepts><s:ConceptScheme id="CS" agencyID="KZ" version="1.0">
    <s:Concept id="REF_AREA"><c:Name xml:lang="kk">Өңір</c:Name><c:Name xml:lang="ru">Регион</c:Name></s:Concept>
    <s:Concept id="TIME_PERIOD"><c:Name xml:lang="ru">Период</c:Name></s:Concept>
    <s:Concept id="OBS_STATUS"><c:Name xml:lang="ru">Состояние</c:Name></s:Concept></s:ConceptScheme></s:Concepts>
  <s:DataStructures><s:DataStructure id="DSD_LABOUR" agencyID="KZ" version="1.1"><s:DataStructureComponents>
    <s:DimensionList id="DimensionDescriptor">
      <s:Dimension id="REF_AREA" position="1"><s:ConceptIdentity><Ref id="REF_AREA"/></s:ConceptIdentity>
        <s:LocalRepresentation><s:Enumeration><Ref id="CL_AREA" agencyID="KZ"/></s:Enumeration></s:LocalRepresentation>
      </s:Dimension>
      <s:TimeDimension id="TIME_PERIOD" position="2"><s:ConceptIdentity><Ref id="TIME_PERIOD"/></s:ConceptIdentity>
        <s:LocalRepresentation><s:TextFormat textType="ObservationalTimePeriod"/></s:LocalRepresentation></s:TimeDimension>
    </s:DimensionList>
    <s:AttributeList id="AttributeDescriptor"><s:Attribute id="OBS_STATUS" assignmentStatus="Conditional">
      <s:ConceptIdentity><Ref id="OBS_STATUS"/></s:ConceptIdentity></s:Attribute></s:AttributeList>
    <s:MeasureList id="MeasureDescriptor"><s:PrimaryMeasure id="OBS_VALUE"><s:ConceptIdentity><Ref id="OBS_VALUE"/>
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
FLAT = message("""<m:DataSet><g:Obs><g:ObsKey><g:Value id="REF_AREA" value="71"/><g:Value id="TIME_PERIOD" value="2025-Q1"/>
  </g:ObsKey><g:ObsValue value="640.5"/><g:Attributes><g:Value id="OBS_STATUS" value="A"/></g:Attributes></g:Obs>
  <g:Obs><g:ObsKey><g:Value id="REF_AREA" value="75"/><g:Value id="TIME_PERIOD" value="2025-Q1"/></g:ObsKey>
  <g:ObsValue value="1210"/></g:Obs></m:DataSet>""")
SERIES = message("""<m:DataSet><g:Series><g:SeriesKey><g:Value id="REF_AREA" value="71"/></g:SeriesKey>
  <g:Obs><g:ObsDimension value="2025-Q1"/><g:ObsValue value="640.5"/><g:Attributes><g:Value id="OBS_STATUS" value="A"/>
  </g:Attributes></g:Obs></g:Series><g:Series><g:SeriesKey><g:Value id="REF_AREA" value="75"/></g:SeriesKey>
  <g:Obs><g:ObsDimension value="2025-Q1"/><g:ObsValue value="1210"/></g:Obs></g:Series></m:DataSet>""")
SPECIFIC = message("""<m:DataSet><Series REF_AREA="71"><Obs TIME_PERIOD="2025-Q1" OBS_VALUE="640.5" OBS_STATUS="A"/></Series>
  <Series REF_AREA="75"><Obs TIME_PERIOD="2025-Q1" OBS_VALUE="1210"/></Series></m:DataSet>""")
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
    catalogue.instead[f"{BASE}/datastructure/KZ/DSD_LABOUR/1.1?references=children"] = says(200, STRUCTURE, xml)
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
    catalogue.instead[f"{BASE}/datastructure/KZ/DSD_LABOUR/1.1?references=children"] = says(200, FLOWS, "application/xml")
    harvest.add("sdmx", {"address": address, "agency": "KZ"})
    (item,) = harvest.items(harvest.run("preview"))
    assert item["error"] == "harvest.odd_item"
