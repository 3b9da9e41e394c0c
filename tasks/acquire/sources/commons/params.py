"""Parameters of the source `commons`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from tasks.core.settings import Strict


class Params(Strict):
    """Pictures of Wikimedia Commons, or of another MediaWiki, by a search or by categories."""

    remote: ClassVar[bool] = True
    kind: Literal["commons"]
    url: str = Field("https://commons.wikimedia.org/w/api.php", pattern=r"^https?://")
    """Address of the wiki's action API."""
    search: str | None = None
    """Words to search for among files, with the operators of CirrusSearch: `incategory:"Featured pictures" glacier`."""
    categories: list[str] = []
    """Names of categories whose files are taken, without `Category:`."""
    subcategories: int = Field(0, ge=0, le=5)
    """Levels of subcategories to follow. Each level often leads further from the subject."""
    limit: int = Field(200, ge=1, le=10_000)
    """Most pictures. 200 take about two minutes at the speed that Wikimedia allows."""
    width: Literal[500, 960, 1280, 1920, 3840] = 1280
    """Width in pixels to ask for. Wikimedia keeps thumbnails of these widths ready; smaller files come as they are."""

    @model_validator(mode="after")
    def _something_to_look_for(self) -> Params:
        if not self.search and not self.categories:
            raise ValueError("say what to look for: search or categories")
        return self
