"""One module an experiment: continuity lab, sanity test, point clouds, inverse kinematics, tear explorer, SO(n)."""
