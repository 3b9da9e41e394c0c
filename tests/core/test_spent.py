"""What a stage needs no more goes when a stage starts that reads its outputs, and no sooner."""

from __future__ import annotations

from tasks.core.spent import clear, mark
from tests.runs.tiny import grow_tree, run_tiny, work


def test_it_goes_with_the_start_of_a_stage_that_reads_the_output(tmp_path):
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
    (root / ".landloom" / "spent" / ".x.part1.json").write_text("{")  # of a process that was killed
    clear(root, ["data/toy/by"])
    assert not any(folder.exists() for folder in folders.values())
