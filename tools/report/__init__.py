"""The assignment's report: from the records of the latest run to three typeset pages."""
