"""The whole of Broadsheet on one machine: what `make run` starts. Nothing here runs on AWS."""
