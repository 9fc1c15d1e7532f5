"""What the first write to real systems would do, told before it is done; and the person who lets it be done.

`report` looks at a previewed run, `markdown` writes what it found, `gate` knows whether a person has confirmed.
"""
