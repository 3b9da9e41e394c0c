"""A spent folder is deleted when a stage starts that reads the outputs, and not earlier."""

from __future__ import annotations

from tasks.core.spent import clear, mark
from tests.runs.tiny import grow_tree, run_tiny, work


def test_a_folder_is_deleted_when_a_stage_starts_that_reads_the_output(tmp_path):
    root = grow_tree(tmp_path)
    folders = {
        out: root / ".landloom" / "checkpoints" / out.replace("/", "-") for out in ("data/toy/in", "data/toy/by")
    }
    for out, folder in folders.items():
        (folder / "deep").mkdir(parents=True)
        mark(root, folder, out)
        mark(root, folder, out)

    def looking(stage) -> None:
        assert [folder.exists() for folder in folders.values()] == [False, True]
        work(stage)

    run_tiny(root, looking)
    run_tiny(root, looking)
    (root / ".landloom" / "spent" / ".x.part1.json").write_text("{")  # leftover of a killed process
    clear(root, ["data/toy/by"])
    assert not any(folder.exists() for folder in folders.values())
