"""One stage on another machine: the job that is sent, the attempts, the restore of the outputs."""
