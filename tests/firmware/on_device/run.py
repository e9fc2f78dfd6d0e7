"""MicroPython: ``run.py FIRMWARE_DIR FILE TEST`` calls one test function in the present folder."""

import sys

sys.path.insert(0, sys.argv[1])
getattr(__import__(sys.argv[2]), sys.argv[3])()
