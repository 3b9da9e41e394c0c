"""Picture files of any kind as sRGB.

`read_srgb` reads a whole picture, upright. `open_colors` opens a file for windows, as it is stored. A file that cannot
be read as colours raises `ValueError` with the reason; where its bytes are damaged, `Broken`.
"""
