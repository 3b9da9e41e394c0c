"""Names of places: from polygons that the user names, or from a geocoder."""
