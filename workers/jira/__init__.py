"""JIRA, Cloud and Data Center, behind one interface."""
