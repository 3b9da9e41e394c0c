"""One module per part. The name of the module is the name of the part, of its flag and of its section."""
