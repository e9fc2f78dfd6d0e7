"""`thalweg fuzz`: damaged messages through the gateway's own pipeline, each of which has to be accounted for.

Reading order: `damage` (bytes), `odd_texts` and `odd_topics`, `senders` and `valid` (what devices really send),
`messages` (what is sent here), `source` (a broker in memory), `ledger` (what became of it all), `soak` (the run),
`broker` (the same through a real one).
"""
