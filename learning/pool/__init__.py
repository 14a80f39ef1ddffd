"""Cases without a label: scored, ranked by rounds and between them, looked up by likeness."""
