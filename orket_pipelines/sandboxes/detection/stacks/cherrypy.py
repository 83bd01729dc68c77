"""CherryPy: a program that serves by itself."""

from orket_pipelines.sandboxes.detection.python_services import Framework, framework_rule, script

RULE = framework_rule(
    Framework(
        "cherrypy",
        "cherrypy",
        frozenset({"cherrypy.quickstart", "cherrypy.Application", "cherrypy.tree.mount"}),
        8080,
        script,
    )
)
