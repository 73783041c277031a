"""The checklist for a paper: the items of CLAIM 2024 and TRIPOD+AI, answered as far as the records of a run can."""
