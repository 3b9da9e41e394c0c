"""What flows ask of the outside: git, services."""
