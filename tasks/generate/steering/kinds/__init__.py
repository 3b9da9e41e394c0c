"""One module for each way to steer samples."""
