"""The window's parts: each asks the workspace and shows; none computes."""
