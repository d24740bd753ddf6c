"""The worker process: runs one Experiment. Uses torch, never Qt; `protocol` and `entry` import neither."""
