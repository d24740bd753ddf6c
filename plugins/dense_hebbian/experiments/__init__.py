"""The experiments of the dense Hebbian panel, one module each."""
