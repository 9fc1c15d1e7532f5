"""Exact Online as a local server, faithful to what is publicly known of its REST API.

`app.create_app` makes the server, `state.ExactState` changes an administration from Python as Exact itself would.
"""
