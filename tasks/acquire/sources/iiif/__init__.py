"""Scans of libraries: the Library of Congress, and every server of IIIF manifests."""
