"""The one `thalweg` command and the single-machine system: embedded servers and their supervisor."""
