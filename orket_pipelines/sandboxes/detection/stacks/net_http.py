"""Go's own net/http, or a router that is little more: a program that listens."""

from orket_pipelines.sandboxes.detection.go_listening import listening_rule, server_of

RULE = listening_rule("net/http", (*server_of("http"), (".", "ListenAndServe", "(")))
