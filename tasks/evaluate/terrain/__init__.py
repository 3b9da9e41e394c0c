"""Controls and plots of terrain, shared by the products with heights."""
