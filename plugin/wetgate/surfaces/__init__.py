"""What users touch: the Python calls, the command line, the report, and what is built for hosts."""
