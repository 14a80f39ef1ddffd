"""A reader who is not a person: answers from the known labels of a demo set, through the real API."""
