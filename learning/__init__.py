"""What a machine computes from it: rounds, models, scores, rankings, learning curves."""
