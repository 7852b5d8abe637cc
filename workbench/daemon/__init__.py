"""The daemon: what is started, in which order, and how it ends.

Run as `python -m workbench.daemon`. Nothing else imports it: commands start it as a process.
"""
