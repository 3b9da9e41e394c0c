"""The ledger: partitions follow from licences, and rows are grouped by their terms."""

from __future__ import annotations

from tasks.formats.tables.ledger import FEW, LedgerRow, by_terms, read_ledger, write_ledger


def test_partitions_and_groups(tmp_path):
    rows = [LedgerRow(f"p{n:02}", "color", "commons", "CC BY-SA 4.0", f"Person {n}", path="x") for n in range(FEW + 4)]
    rows += [LedgerRow(f"q{n}", "color", "iiif", "public domain", f"Library {n % 2}", path="x") for n in range(4)]
    write_ledger(rows, tmp_path)
    ledger = read_ledger(tmp_path)
    assert ledger["partition"].tolist() == ["share_alike"] * (FEW + 4) + ["open"] * 4
    groups = [(terms["source"], terms["attribution"], len(group)) for terms, group in by_terms(ledger)]
    several = f"{FEW + 4} different ones, each in the ledger beside its raster"
    assert groups == [("commons", several, FEW + 4), ("iiif", "Library 0", 2), ("iiif", "Library 1", 2)]
