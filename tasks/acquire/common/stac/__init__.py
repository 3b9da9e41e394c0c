"""What sources over a STAC API share: the search, the addresses of assets, and the tokens that some hosts require."""
