"""What can change bytes and every stage shares."""
