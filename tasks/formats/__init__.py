"""File formats that stages exchange. A stage does not import another stage; it reads files with this package."""
