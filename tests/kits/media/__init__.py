"""Sound, pictures and the line that carries them, on a clock of their own."""
