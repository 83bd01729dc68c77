"""Ruby on Rails: an application with its configuration; an engine is a library, and what it is tested with is none."""

from orket_pipelines.sandboxes.detection.composer import has_file
from orket_pipelines.sandboxes.detection.gems import EVERYWHERE, MANIFESTS, gems, is_gem, ruby_service
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import ServiceKind

_marks = ("config/application.rb", "bin/rails", "config/environment.rb", "config/routes.rb")


def find(site: Site) -> Finding | None:
    """An application that asks for Rails."""
    mark = next((each for each in _marks if has_file(site, each)), None)
    rails = not gems(site).isdisjoint({"rails", "railties", "actionpack"})
    if mark is None or not (rails or mark == "config/application.rb"):
        return None
    if is_gem(site) and not has_file(site, "config/application.rb"):
        return None
    seen = (f"{site.folder.file(mark)}: an application of Rails",)
    start = ("bundle", "exec", "rails", "server", "-b", EVERYWHERE, "-p", "{port}")
    return Finding(ruby_service(site, "rails", ServiceKind.WEB, seen, start, port=3000))


RULE = Rule("rails", Language.RUBY, MANIFESTS, find)
