"""What people order by hand: link and unlink records, resolve conflicts, let a guard pass, retry what was refused.

Each order is one function over a cycle without systems (see `desk`), works in one transaction, and is in history as
kind `person` with who gave it. What it changes is carried out by the next run, which decides the records again. The
caller holds the division's lock, so that no run works on what an order changes. An order that cannot be carried out
raises `OrderRefused` and changes nothing.
"""
