"""What an auditor takes along: the views of the schema `audit`, as files."""
