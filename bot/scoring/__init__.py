"""Scores to figures: scales, counts, estimates, comparisons and response rates; pure, standard library only.

Every function works in shares, NPS in [-1, 1], unrounded; points and percent appear in `display` alone.
"""
