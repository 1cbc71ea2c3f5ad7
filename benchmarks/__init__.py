"""What a message costs: the integration against the least that could do the same.

`script/benchmark --help`
"""
