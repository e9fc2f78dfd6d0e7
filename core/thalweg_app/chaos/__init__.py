"""`thalweg chaos`: devices that send everything several times, servers that die, and a judge who counts.

Reading order: `commands`, `run` (start, course, verdict), `plan` (which fault comes when), `course`; what the devices
do: `workload` (what they send), `device` (what one knows), `load` (the process that plays them), `load_process` (its
owner's side); what is done to the system: `faults` on `disk`, `watch` (tends it and looks at its memory); what comes
of it: `truth` (what must be stored), `stored`, `judge`, `report`.
"""
