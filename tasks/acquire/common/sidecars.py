"""Small files that lie beside a raster and describe it."""

WORLD_FILES = (
    *(".wld", ".tfw", ".jgw", ".pgw", ".blw", ".bpw", ".bqw", ".gfw", ".j2w", ".wpw", ".ovw"),
    *(".tifw", ".tiffw", ".jpgw", ".jpegw", ".pngw", ".bmpw", ".gifw", ".jp2w", ".webpw", ".imgw", ".ascw"),
    *(".tfwx", ".jgwx", ".pgwx"),
)
SIDECARS = (".hdr", ".prj", ".msk", ".aux.xml", ".aux", ".stx", ".clr", ".ige", ".rrd", *WORLD_FILES)
"""Endings of files that say where a raster is, where it is void, or that hold its pixels (`.ige` of ERDAS); copied with
it, and no rasters themselves."""
