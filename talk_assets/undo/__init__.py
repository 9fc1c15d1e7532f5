"""Undo: what a run wrote is put back as far as nothing has happened to it since; a run like any other.

`written` reads what the run wrote, `reversal` says value by value whether it can be put back, `carry_out` agrees on the
former values and has them written.
"""
