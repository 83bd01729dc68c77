"""Gradio: a program that shows a page of its own."""

from orket_pipelines.sandboxes.detection.python_services import Framework, framework_rule, script

RULE = framework_rule(
    Framework(
        "gradio",
        "gradio",
        frozenset({"gradio.Blocks", "gradio.Interface", "gradio.ChatInterface", "gradio.TabbedInterface"}),
        7860,
        script,
    )
)
