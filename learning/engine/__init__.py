"""The training engine: networks, training loop, prediction, calibration, metrics. Runs in a notebook.

It knows neither Django nor the rest of Consilium: files and dataclasses in, files and arrays out.
``spec`` and ``metrics`` import no torch, so a recipe can be checked and a result read anywhere.
"""
