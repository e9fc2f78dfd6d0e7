"""`thalweg bench`: what the product does in a second, beside what the machine could do at most.

Reading order: `commands`, `ingest` (what is run), `load` (the process that plays the devices, on `sessions` and
`workload`), `yardsticks`, `figures` (the form of the answer).

What does not depend on a load: `scale` and `read` (with `read_history`) on an `aged_store`, which is made of `history`
and watched by `cost` and `requests`; `rate` (with `rate_history`), which needs no store.
"""
