"""Settings that change while the program runs: noticed, read, put in force, and reported where they cannot be."""
