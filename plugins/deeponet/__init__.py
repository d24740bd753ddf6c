"""DeepONet: operators learnt by a branch and a trunk network."""
