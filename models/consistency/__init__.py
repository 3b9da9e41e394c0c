"""The method `consistency`: heights from noise, in one or two evaluations."""
