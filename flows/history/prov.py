"""Lineage in the terms of W3C PROV (PROV-DM): entities are outputs by hash, activities runs, agents commits.

entity    out:<path>/<hash>     an output of a stage, or code:<path>/<hash>, code that it read
          source:<key>/<hash>   one raster of a ledger: URL, licence, attribution
          model:<name>/<number> a model version, a specialisation of the output that it names
activity  run:<id>              with its start and end
agent     commit:<hash>         the software that ran; publisher:<name> the publisher of a source
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pandas as pd
from prov.constants import PROV_LABEL, PROV_LOCATION, PROV_TYPE
from prov.identifier import Namespace
from prov.model import ProvDocument

from flows.history.origins import Lineage, key, main_outputs
from flows.history.runs import Recorded
from tasks.core.errors import LandloomError

OURS = "urn:landloom:"
DCTERMS = Namespace("dcterms", "http://purl.org/dc/terms/")
PROV = Namespace("prov", "http://www.w3.org/ns/prov#")


def document(lineage: Lineage) -> ProvDocument:
    """Every run, output, file of code and source behind the run, with their relations."""
    doc = ProvDocument()
    doc.add_namespace(DCTERMS)
    for prefix in ("out", "code", "run", "commit", "source", "publisher", "model"):
        doc.add_namespace(prefix, f"{OURS}{prefix}:")
    doc.add_namespace("landloom", f"{OURS}terms:")
    for run in lineage.chain:
        _activity(doc, run)
    for run in lineage.chain:
        for path, digest in run.outputs.items():
            doc.wasGeneratedBy(_output(doc, path, digest), f"run:{quote(key(run))}", _time(run.ended))
        for path, digest in run.inputs.items():
            doc.used(f"run:{quote(key(run))}", _output(doc, path, digest), _time(run.started))
        for path, digest in main_outputs(run).items():
            for source, wanted in run.data_inputs.items():
                if not any(part in source for part in ("/runs/", "/metrics/", "/pictures/")):
                    doc.wasDerivedFrom(_output(doc, path, digest), _output(doc, source, wanted))
        ledger = lineage.ledgers.get(key(run))
        if ledger is not None:
            _sources(doc, run, ledger)
    if lineage.version is not None:
        _version(doc, lineage)
    return doc.unified()


def to_json(doc: ProvDocument) -> str:
    """The document as PROV-JSON; reads it back to check it, and raises LandloomError where the two differ."""
    text = doc.serialize(format="json", indent=2)
    if ProvDocument.deserialize(content=text, format="json") != doc:
        raise LandloomError("the PROV document read back is not the one written; please report the run id")
    return text + "\n"


def _activity(doc: ProvDocument, run: Recorded) -> None:
    facts = {
        PROV_LABEL: run.stage,
        "landloom:stage": run.stage,
        "landloom:dirty": run.dirty,
        **{f"landloom:param.{quote(name, safe='.')}": value for name, value in sorted(run.params.items())},
    }
    mine = doc.activity(f"run:{quote(key(run))}", _time(run.started), _time(run.ended), facts)
    if run.commit:
        agent = {
            PROV_TYPE: PROV["SoftwareAgent"],
            PROV_LABEL: f"Landloom at {run.commit[:10]}",
            **({"landloom:lock.sha256": run.lock_sha256} if run.lock_sha256 else {}),
        }
        doc.agent(f"commit:{run.commit}", agent)
        doc.wasAssociatedWith(mine, f"commit:{run.commit}")
    if run.sealed:
        doc.entity(
            f"commit:{run.sealed}-lock", {PROV_LABEL: f"dvc.lock at {run.sealed[:10]}", PROV_LOCATION: "dvc.lock"}
        )
        doc.wasInfluencedBy(f"commit:{run.sealed}-lock", mine)


def _output(doc: ProvDocument, path: str, digest: str) -> str:
    """The name of the entity for these bytes at this path, added where it is new; two paths are two entities."""
    kind = "out" if path.startswith("data/") else "code"
    name = f"{kind}:{quote(path)}/{digest}"
    if not doc.get_record(name):
        facts: dict[Any, Any] = {PROV_LABEL: path, PROV_LOCATION: path, "landloom:md5": digest}
        if digest.endswith(".dir"):
            facts[PROV_TYPE] = PROV["Collection"]
        doc.entity(name, facts)
    return name


def _sources(doc: ProvDocument, run: Recorded, ledger: pd.DataFrame) -> None:
    raw = next((path, digest) for path, digest in run.outputs.items() if path.endswith("/raw"))
    written = _output(doc, *raw)
    for row in ledger.to_dict("records"):
        facts = {name: value for name, value in row.items() if isinstance(value, str) or not pd.isna(value)}
        name = f"source:{quote(facts['key'])}/{facts.get('sha256', 'not-taken')}"
        doc.entity(
            name,
            {
                PROV_LABEL: facts["key"],
                DCTERMS["license"]: facts["licence"],
                DCTERMS["creator"]: facts["attribution"],
                **({PROV_LOCATION: facts["url"]} if "url" in facts else {}),
                **{
                    f"landloom:{part}": facts[part]
                    for part in (
                        "source",
                        "layer",
                        "path",
                        "etag",
                        "sha256",
                        "bytes",
                        "modified",
                        "procedural",
                        "refused",
                    )
                    if part in facts
                },
                **{f"landloom:{part}": facts[part] for part in ("west", "south", "east", "north") if part in facts},
            },
        )
        doc.agent(f"publisher:{quote(facts['attribution'])}", {PROV_LABEL: facts["attribution"]})
        doc.wasAttributedTo(name, f"publisher:{quote(facts['attribution'])}")
        doc.used(f"run:{quote(key(run))}", name, _time(run.started))
        if "refused" not in facts:
            doc.wasDerivedFrom(written, name)


def _version(doc: ProvDocument, lineage: Lineage) -> None:
    version = lineage.version
    name = f"model:{quote(version.name)}/{version.version}"
    doc.entity(name, {PROV_LABEL: f"models:/{version.name}/{version.version}"})
    path, digest = version.tags.get("dvc.path"), version.tags.get("dvc.md5")
    if path and digest:
        doc.specializationOf(name, _output(doc, path, digest))


def _time(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
