"""Torch modules, one network a file, named as in its paper; no files, no training."""
