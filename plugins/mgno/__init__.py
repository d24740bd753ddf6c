"""MgNO: linear operators between function spaces as trainable multigrid V-cycles."""
