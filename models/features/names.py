"""Names of the networks whose features compare pictures. Imports no torch: the check of parameters reads them."""

from __future__ import annotations

from typing import Literal

Network = Literal["efficientnet_lite0", "random"]
"""Values of parameters: the packaged EfficientNet-Lite0, or a fixed random convolutional network."""
LITE0 = "EfficientNet-Lite0"
"""Its name in texts."""
