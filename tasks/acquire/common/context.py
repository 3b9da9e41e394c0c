"""What the stage hands to a source beside its parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tasks.acquire.common.blocks import Blocks
from tasks.acquire.common.download import Downloads
from tasks.acquire.common.fields import Download
from tasks.acquire.common.http import Http, Patience
from tasks.acquire.common.ranges import Ranges
from tasks.acquire.common.signer import Signer
from tasks.polite.throttle import Throttle


@dataclass(frozen=True)
class Context:
    """Places and limits.

    Attributes:
        root: the repository; relative paths in parameters begin here.
        state_dir: makes a folder that outlives the run and is no output, by its name.
        limits: how servers are asked.
        blocks: the hosts that turn us away.
    """

    root: Path
    state_dir: Callable[[str], Path]
    limits: Download
    blocks: Blocks = field(default_factory=Blocks)

    @property
    def max_bytes(self) -> int:
        """Bytes that one file may have."""
        return self.limits.max_file_mb << 20

    def http(self) -> Http:
        """A client that keeps to the limits, together with every other process of this checkout."""
        throttle = Throttle(self.state_dir("hosts"), self.limits.requests_per_second, self.limits.connections)
        patience = Patience(self.limits.timeout_s, self.limits.retries, self.limits.give_up_s)
        return Http(throttle, patience, self.blocks)

    def downloads(self, http: Http, signer: Signer | None = None) -> Downloads:
        """The byte cache of this checkout: a file that it holds is not fetched again."""
        return Downloads(self.state_dir("downloads"), http, self.max_bytes, signer)

    def ranges(self, http: Http, signer: Signer | None = None) -> Ranges:
        """The parts of rasters that this checkout has read: a part that it holds is not fetched again."""
        return Ranges(self.state_dir("ranges"), http, self.max_bytes, signer)
