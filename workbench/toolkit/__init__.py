"""Numerical parts that two or more papers use."""
