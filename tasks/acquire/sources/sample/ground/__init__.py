"""What the pictures of the procedural planet are drawn from: places, heights, streams, settlements and roads."""
