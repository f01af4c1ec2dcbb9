"""The HTML report: one self-contained page that shows a render to somebody who was not there.

:class:`ReportData` says what goes in; :func:`build_report` gives the HTML, :func:`write_report` the file.
"""

from __future__ import annotations

from wetgate.surfaces.report.data import Gallery, Note, Picture, ReportData, Series, Side, Table, Timing, View
from wetgate.surfaces.report.page import build_report, write_report

__all__ = [
    "Gallery",
    "Note",
    "Picture",
    "ReportData",
    "Series",
    "Side",
    "Table",
    "Timing",
    "View",
    "build_report",
    "write_report",
]
