"""What a round settles before its networks train: where weights begin, on which grid, from which images."""
