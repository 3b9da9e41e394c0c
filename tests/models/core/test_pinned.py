"""Files of weights are read only if they are the pinned ones."""

import hashlib

import pytest

from models.core.config import PinnedFile
from models.core.pinned import verified


def test_the_pinned_file_is_found_and_another_is_refused_by_name(tmp_path):
    (tmp_path / "weights.pth").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    assert verified(PinnedFile(path="weights.pth", sha256=digest), tmp_path) == tmp_path / "weights.pth"
    with pytest.raises(ValueError, match=f"weights.pth: the file has the SHA-256 {digest}, not 0000"):
        verified(PinnedFile(path="weights.pth", sha256="0" * 64), tmp_path)
    with pytest.raises(ValueError, match="gone.pth: the file cannot be read: No such file"):
        verified(PinnedFile(path="gone.pth", sha256=digest), tmp_path)
    with pytest.raises(ValueError, match="sha256"):
        PinnedFile(path="weights.pth", sha256="short")
