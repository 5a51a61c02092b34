"""What is open: samples, what is chosen, what was found, and how it is to be shown. No widgets."""

from specgui.document.document import Document
from specgui.document.findings import Finding, Findings
from specgui.document.problems import Problem, Problems
from specgui.document.sample_entry import RunEntry, SampleEntry, SpectrumEntry
from specgui.document.selection import Selection
from specgui.document.view_options import ViewOptions

__all__ = [
    "Document",
    "Finding",
    "Findings",
    "Problem",
    "Problems",
    "RunEntry",
    "SampleEntry",
    "Selection",
    "SpectrumEntry",
    "ViewOptions",
]
