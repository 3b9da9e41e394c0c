"""What the products with heights share: controls and plots of terrain."""
