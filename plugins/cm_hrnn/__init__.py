"""CM-HRNN: hierarchical recurrent networks for melodies under given chords, with long-term structure."""
