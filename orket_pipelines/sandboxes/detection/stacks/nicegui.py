"""NiceGUI: a program that shows a page of its own."""

from orket_pipelines.sandboxes.detection.python_services import Framework, framework_rule, script

RULE = framework_rule(
    Framework("nicegui", "nicegui", frozenset({"nicegui.ui.run", "nicegui.ui.run_with"}), 8080, script)
)
