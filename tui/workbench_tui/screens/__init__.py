"""Screens: the overview, and the list, page and form that every resource shares."""
