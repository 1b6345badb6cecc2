"""Rows -> what people read: the figures of the answers and of the follow-up, and cases told to programs and people."""

from bot.reports.followup import FollowUpRow, followup_table, make_followup_report
from bot.reports.scores import ReportRow, as_table, make_report

__all__ = ["FollowUpRow", "ReportRow", "as_table", "followup_table", "make_followup_report", "make_report"]
