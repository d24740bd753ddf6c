"""Sound and MIDI without Qt and without torch: notes, a small synthesiser, a player, WAV and MIDI files."""
