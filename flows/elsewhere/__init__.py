"""One stage on another machine: what is sent there, the attempts, the way back."""
