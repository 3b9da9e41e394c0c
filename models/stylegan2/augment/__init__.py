"""Adaptive discriminator augmentation (Karras et al. 2020, arXiv 2006.06676): transformations by group.

All random numbers that decide about a transformation are drawn on the CPU, so that every device transforms alike.
"""
