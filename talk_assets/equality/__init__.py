"""Whether both systems really hold the same: linked pairs are read fresh from both and compared.

It reads, and writes to no system. What is compared, and why a difference may be, is in `talk_assets.sync.equal`.
"""
