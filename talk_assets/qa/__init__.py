"""The checklist of the data-flow document, played against both systems.

What must hold is taken from the mappings as they were signed off, and worked out here once more, without the engine: a
fault in the engine, and a later wrong edit of a mapping, both show as a row that failed.
"""
