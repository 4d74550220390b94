"""One inspection of an archive: is it sound (`archive/`), will it run (`compatibility/`)."""
