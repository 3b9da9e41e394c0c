"""Squares of scans of maps and of photographs: the sheet's edge, and squares inside it. A scene is one square."""
