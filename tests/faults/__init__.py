"""Every fault, race and flood that AWS and people can bring, in one process and in virtual time."""
