"""Spring Boot: a module with an application class; with a web starter it serves, without one it is a job."""

from orket_pipelines.sandboxes.detection.jvm_builds import MANIFESTS, Build, jvm_service, read_build
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.detection.source import Source
from orket_pipelines.sandboxes.model import ServiceKind

PORT = 8080

_web = (
    *(
        "spring-boot-starter-web*",
        "spring-boot-starter-webmvc*",
        "spring-boot-starter-webflux",
        "spring-boot-starter-jersey",
    ),
    *(
        "spring-boot-starter-data-rest",
        "spring-boot-starter-graphql",
        "spring-boot-starter-actuator",
        "vaadin-spring-boot-starter",
    ),
    *("spring-cloud-starter-gateway*", "spring-cloud-starter-netflix-eureka-server", "spring-cloud-config-server"),
    *("spring-boot-admin-starter-server", "spring-boot-starter-thymeleaf", "spring-cloud-starter-netflix-zuul"),
)
_application = (("@SpringBootApplication",), ("@EnableAutoConfiguration",), ("SpringApplication", ".", "run", "("))
_controllers = (("@RestController",), ("@Controller",))


def find(site: Site) -> Finding | None:
    """The module's application. A library for Spring has no application class."""
    build = read_build(site)
    source = build.using(*_application) if build else None
    if build is None or source is None or not build.names:
        return None
    kind, seen = _kind(build, source)
    port = PORT if kind is ServiceKind.WEB else None
    return Finding(jvm_service(site, build, "spring-boot", kind, seen, port=port))


def _kind(build: Build, source: Source) -> tuple[ServiceKind, str]:
    found = build.declares(*_web)
    if found:
        return ServiceKind.WEB, f"{build.path}: declares {found}"
    controller = build.using(*_controllers)
    if controller:
        return ServiceKind.WEB, f"{controller.path}: answers requests"
    return ServiceKind.JOB, f"{source.path}: an application without a web server"


RULE = Rule("spring-boot", Language.JAVA, MANIFESTS, find)
