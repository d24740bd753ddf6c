"""Parts of the panel that several experiments use."""

MODEL_COLOURS = {"mgno": 0, "fno": 1, "unet": 2, "dilresnet": 3}
