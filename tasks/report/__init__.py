"""One static page that shows a dataset, its model, how good it is and where everything came from."""
