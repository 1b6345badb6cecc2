"""The follow-up of unhappy customers: cases and their alerts. Pure."""
