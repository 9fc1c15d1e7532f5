"""What a run read and wrote, told to whoever keeps the lineage of a company's data, as OpenLineage events.

`datasets` names what the mappings connect, `events` makes the events of a run, `sender` brings them away without ever
holding up the run. The client's package is only loaded where a receiver is configured.
"""
