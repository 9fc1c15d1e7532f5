"""What makes the pages of docs/ a site: the reference pages that come from the code, and hooks of MkDocs."""
