"""What is derived from the contracts and committed is what they say now."""

import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from contracts.facts import FACTS
from contracts.generate import GENERATED, GOLDEN, ROOT, documents, drifted, main, release, write
from contracts.schemas import catalogue_schemas, event_schemas, short_name

CATALOGUE = ROOT / "catalogue"


def test_the_generated_files_have_not_drifted() -> None:
    assert drifted(documents()) == [], "run `python -m contracts.generate`"


def test_generating_twice_gives_the_same() -> None:
    assert documents() == documents()


def test_the_check_names_a_file_that_has_drifted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = documents()
    monkeypatch.setattr("contracts.generate.documents", lambda: texts | {GENERATED / "asyncapi.yaml": "changed"})

    assert main(["--check"]) == 1
    assert "contracts/generated/asyncapi.yaml has drifted" in capsys.readouterr().err


def test_a_file_that_is_no_longer_generated_is_drift_and_is_removed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("contracts.generate.GENERATED", tmp_path)
    (tmp_path / "gone.json").write_text("{}")
    texts = {tmp_path / "events" / "new.json": "{}"}

    assert drifted(texts) == sorted([tmp_path / "gone.json", tmp_path / "events" / "new.json"])
    write(texts)
    assert drifted(texts) == []


def test_a_release_is_never_overwritten(tmp_path: Path) -> None:
    assert len(list(release("1", tmp_path).iterdir())) == len(FACTS)
    with pytest.raises(FileExistsError):
        release("1", tmp_path)


@pytest.mark.parametrize("name", [short_name(type_) for type_ in FACTS])
def test_a_schema_stands_alone_and_is_valid(name: str) -> None:
    schema = event_schemas()[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"].endswith(f"/{name}.schema.json")
    assert all(reference.startswith("#/$defs/") for reference in re.findall(r"'\$ref': '([^']+)'", str(schema)))


@pytest.mark.parametrize(("kind", "folder"), [("service", "services"), ("office", "offices")])
def test_the_files_of_the_catalogue_fit_their_schema(kind: str, folder: str) -> None:
    schema = catalogue_schemas()[kind]
    jsonschema.Draft202012Validator.check_schema(schema)
    for path in sorted((CATALOGUE / folder).glob("*.yaml")):
        jsonschema.Draft202012Validator(schema).validate(_plain(path))


def _plain(path: Path) -> object:
    """The file as JSON would have it: YAML's dates as text."""

    class Loader(yaml.SafeLoader):
        pass

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return yaml.load(path.read_bytes(), Loader=Loader)


def test_the_asyncapi_document_describes_every_type_on_the_event_log() -> None:
    document = yaml.safe_load((GENERATED / "asyncapi.yaml").read_bytes())
    names = {short_name(type_) for type_ in FACTS}

    assert document["asyncapi"] == "3.0.0"
    assert {channel["address"] for channel in document["channels"].values()} == {
        "applications.v1", "ingress.{system}.v1", "ingress.{system}.refused.v1"
    }  # fmt: skip
    assert set(document["channels"]["applications"]["messages"]) == names
    assert {operation["action"] for operation in document["operations"].values()} == {"send", "receive"}
    for reference in _references(document):
        node = document
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]


def _references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in _references(value)]
    return [found for item in node for found in _references(item)] if isinstance(node, list) else []


def test_the_reference_page_describes_every_field_and_loads_nothing() -> None:
    page = (GENERATED / "reference.html").read_text()

    for type_, fact in FACTS.items():
        section = page.split(f'<h3 id="{short_name(type_)}">')[1].split("</section>")[0]
        assert all(f"<code>{field}</code>" in section for field in fact.__struct_fields__)
    assert not re.search(r"<script|<link|<img|<iframe|@import|url\(|\ssrc=", page)
    targets = set(re.findall(r'href="#([^"]+)"', page))
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert targets <= set(ids)
    assert len(ids) == len(set(ids))


def test_every_field_of_every_event_is_documented() -> None:
    for name, schema in event_schemas().items():
        data = schema["$defs"][schema["properties"]["data"]["$ref"].removeprefix("#/$defs/")]
        undocumented = [field for field, part in data["properties"].items() if not part.get("description")]
        assert not undocumented, name


def test_golden_events_exist_for_every_type_and_for_no_other() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {short_name(type_) for type_ in FACTS}


def test_the_services_openapi_documents_are_those_of_the_code() -> None:
    checked = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "deploy.openapi", "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
