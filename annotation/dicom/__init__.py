"""What a file is, whether it can be shown right, and what the viewer must know of it. No Django here."""
