"""Pictures of satellites and aeroplanes from a STAC catalogue."""
