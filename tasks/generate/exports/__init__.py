"""One module per export. The name of the module is the name of the export."""
