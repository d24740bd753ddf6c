"""Pointer networks (Vinyals, Fortunato and Jaitly 2015): attention as the output, for problems on point sets."""
