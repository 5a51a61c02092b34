"""The window of SpecGUI: a Qt frontend over ``engine``."""
