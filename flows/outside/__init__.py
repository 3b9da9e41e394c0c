"""Programs and services outside: git, and whether a server answers."""
