"""What the head says of input that it cannot use."""


class HeadError(ValueError):
    """The sentence is for whoever looks after the project."""
