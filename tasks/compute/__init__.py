"""Work over many scenes: serial, processes or Dask."""
