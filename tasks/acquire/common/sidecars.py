"""Small files that lie beside a raster and describe it."""

SIDECARS = (
    *(".hdr", ".prj", ".msk", ".aux.xml", ".stx"),
    *(".wld", ".tfw", ".tifw", ".tfwx", ".jgw", ".pgw", ".blw", ".bpw"),
)
"""Endings of files that say where a raster is, or where it is void; copied with it, and no rasters themselves."""
