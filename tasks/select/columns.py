"""The statistics of a tile: names and meanings. A rule can use any of them.

Slope and roughness need a known 3×3 neighbourhood. For pixels at the edge of a window the neighbourhood includes one
pixel outside the window, so that a tile keeps its border.
"""

from __future__ import annotations

HEIGHT = {
    "zero_share": "share of pixels at exactly 0 m",
    "sea_share": "share of pixels at exactly 0 m with no neighbour above or below: open water, not a shore",
    "h_min": "lowest height, metres",
    "h_max": "highest height, metres",
    "h_mean": "mean height, metres",
    "relief": "h_max - h_min, metres",
    "slope_mean": "mean slope, degrees (Horn 1981)",
    "slope_std": "standard deviation of slope, degrees",
    "slope_p95": "slope that 95 % of pixels do not exceed, degrees, to 0.1°",
    "roughness": "mean terrain ruggedness index, metres (Riley et al. 1999)",
    "entropy_height": "Shannon entropy of heights in bins of fixed width, bits",
    "entropy_slope": "Shannon entropy of slopes in bins of fixed width, bits",
}
COLOR = {
    "color_mean": "mean luma, 0 to 255 (Rec. 601)",
    "color_std": "standard deviation of luma",
    "color_mean_red": "mean of the red band, 0 to 255",
    "color_mean_green": "mean of the green band",
    "color_mean_blue": "mean of the blue band",
}
PICTURE = {
    "rgb_std": "standard deviation over the values of all three bands",
    "colorfulness": "colourfulness (Hasler and Süsstrunk 2003): 0 grey, 33 moderate, above 80 strong",
    "clipped_share": "share of pixels with a band at 255, or all bands at 0",
    "sharpness": "detail of one pixel against detail of two pixels: 0 smooth, 100 as fine as noise",
    "blocks": "steps on the lines of an 8 × 8 grid above the steps beside them, per cent: JPEG compression",
    "text_share": "share of cells of 16 × 16 pixels that have two tones only, as print has",
    "frame_share": "share of the picture in plain margins along its sides",
    "flat_share": "share of cells of 16 × 16 pixels with one value: missing tiles, fill",
    "blurred_share": "share of cells of 16 × 16 pixels with contrast and no fine detail: blurred fill, enlarged tiles",
    "seam": "largest mean step across a whole row or column, grey levels, 8 at most: a seam of a mosaic",
}
"""Statistics of pictures: of scenes with colours and without heights. Datasets with heights have no such columns."""
STATISTICS = {"void_share": "share of pixels without a value, in the layer that has most of them", **HEIGHT, **COLOR}
"""Every statistic. Those of a layer that a scene does not have are null."""

PLACE = ("lat", "lon", "gsd")
"""Other columns that a rule can use: the tile's centre in degrees, and metres a pixel; null for a photograph."""

RULE_COLUMNS = (*STATISTICS, *PICTURE, *PLACE)
