"""Pictures of an ArcGIS map or image service."""
