"""Results of test-then-learn runs as pages that a person reads."""

from __future__ import annotations

from skl_increc.report._page import html_report
from skl_increc.report._summary import DataSummary
from skl_increc.report._write import check_writable, write_page

__all__ = ["DataSummary", "check_writable", "html_report", "write_page"]
