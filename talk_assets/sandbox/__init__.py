"""The two systems as local servers with made-up data; never imported by the product's own modules."""
