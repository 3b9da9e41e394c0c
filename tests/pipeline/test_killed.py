"""A pipeline whose processes are killed in every stage ends with the bytes of an unbroken one."""

from __future__ import annotations

from tests.pipeline.conftest import Clone, copy_compiled

OUTPUTS = ("raw", "scenes", "sources", "tiles", "labels", "captions", "shards", "model")


def test_killed_in_every_stage_a_second_clone_ends_with_the_same_bytes(unbroken, tmp_path):
    clone = Clone(tmp_path / "repo")
    copy_compiled(unbroken.root, clone.root)
    for number, stage in enumerate(unbroken.first):
        clone.repro_killed_in(stage, after=0.4 + 0.7 * (number % 4))
    clone.repro()
    ours, theirs = clone.hashes(), unbroken.hashes()
    assert ours.keys() == theirs.keys()
    expected = {path: digest for path, digest in theirs.items() if not path.endswith(("lineage.json", "report"))}
    assert {path: ours[path] for path in expected} == expected
    assert all(any(path.endswith(name) or name in path for path in expected) for name in OUTPUTS)
    assert clone.repro() == []
