"""One inspection of an archive: is it sound (`archive/`), and will it run (`compatibility/`)."""
