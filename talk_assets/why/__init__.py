"""Why a value is what it is, in plain words, from what the ledger keeps; nothing here asks a system or changes it.

`find` knows which record and property are meant, `facts` reads what the ledger has about them, `story` puts it in
order, `words` says it.
"""
