"""Lineage as text: from a model or dataset to the sources and their licences."""

from __future__ import annotations

from collections.abc import Iterator

from flows.history.origins import Lineage, Terms, files, key, main_outputs, size, terms
from flows.history.runs import Recorded

FIRST = 3  # sources shown of each group; the PROV document has all of them


def tree(lineage: Lineage) -> str:
    """The lineage as an indented tree: below each run stand the runs that made its inputs."""
    lines = []
    if (version := lineage.version) is not None:
        alias = f" ({', '.join(version.aliases)})" if version.aliases else ""
        lines.append(f"models:/{version.name}/{version.version}{alias}")
        lines += [f"│  used by {user.stage}  run {user.run_id}  commit {commit(user)}" for user in lineage.used_by]
    shown: set[str] = set()
    lines += _branch(lineage, lineage.by_key()[key(lineage.last)], "" if version is None else "└─ ", "", shown)
    return "\n".join(lines)


def _branch(lineage: Lineage, run: Recorded, mark: str, indent: str, shown: set[str]) -> Iterator[str]:
    mine = key(run)
    below = indent + {"": "", "├─ ": "│  ", "└─ ": "   "}[mark]
    if mine in shown:
        yield f"{indent}{mark}{run.stage}, as above"
        return
    shown.add(mine)
    yield f"{indent}{mark}{run.stage}  run {run.run_id or 'not in MLflow'}  commit {commit(run)}"
    needs = [lineage.by_key()[other] for other in lineage.needs[mine]]
    groups = [] if lineage.ledgers.get(mine) is None else terms(lineage.ledgers[mine])
    text = below + ("│  " if needs or groups else "   ")
    for path, digest in main_outputs(run).items():
        count = lineage.files.get(digest)
        yield f"{text}{path}  {digest}" + (f"  {files(count)}" if count is not None else "")
    if facts := figures(run):
        yield f"{text}{facts}"
    if mine in lineage.ledgers and lineage.ledgers[mine] is None:
        yield f"{text}sources: the ledger is in neither DVC's cache nor a remote"
    for number, group in enumerate(groups):
        yield from _sources(group, below, last=number == len(groups) - 1)
    for number, need in enumerate(needs):
        yield from _branch(lineage, need, "└─ " if number == len(needs) - 1 else "├─ ", below, shown)


def _sources(group: Terms, indent: str, last: bool) -> Iterator[str]:
    kind = "computed, not measured" if group.procedural else size(group.bytes)
    refused = f", {group.refused} refused" if group.refused else ""
    plural = "raster" if group.taken == 1 else "rasters"
    yield f"{indent}{'└─ ' if last else '├─ '}{group.taken} {plural} from {group.source} ({kind}{refused})"
    below = indent + ("   " if last else "│  ")
    yield f"{below}   licence: {group.licence}"
    yield f"{below}   attribution: {group.attribution}"
    for name in group.names[:FIRST]:
        yield f"{below}   {name}"
    if len(group.names) > FIRST:
        yield f"{below}   … and {len(group.names) - FIRST} more"


def commit(run: Recorded) -> str:
    """The commit, whether uncommitted changes were on it, and where it was sealed."""
    text = (run.commit or "unknown")[:10] + (", and changes" if run.dirty else "")
    return text + (f", sealed {run.sealed[:10]}" if run.sealed else "")


def figures(run: Recorded) -> str:
    """What the stage found worth showing, in one line: `tiles_train 960, tiles_val 240`."""
    found = [(name, run.metrics[name]) for name in run.shown if name in run.metrics]
    return ", ".join(
        f"{name} {value:,.0f}" if value % 1 == 0 or value >= 1000 else f"{name} {value:.3g}" for name, value in found
    )
