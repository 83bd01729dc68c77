"""fasthttp: a program that listens by it. Who only asks others by it, or uses what is made of it, does not."""

from orket_pipelines.sandboxes.detection.go_listening import listening_rule, server_of

RULE = listening_rule("fasthttp", server_of("fasthttp"))
