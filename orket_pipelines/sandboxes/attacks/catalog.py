"""Every attack, in the order in which they are tried: those that load the machine come last."""

from orket_pipelines.sandboxes.attacks.judging import bounded, kept_log, refused, unheeded, unreached
from orket_pipelines.sandboxes.attacks.model import Attack

ATTACKS = (
    Attack(
        "capabilities",
        "A process has no capability and can gain none, is not root, and passes a filter of system calls.",
        ("privileges", "capabilities"),
        refused,
    ),
    Attack(
        "system-calls",
        "Mounting, new namespaces, keyrings, tracing programs of the machine, and loading code are refused.",
        ("privileges", "system_calls"),
        refused,
    ),
    Attack("setuid", "No program makes root of whoever calls it.", ("privileges", "setuid"), refused),
    Attack(
        "files",
        "Nothing of the system, no disk and no switch of the kernel can be written; no secret of it can be read.",
        ("privileges", "files"),
        refused,
    ),
    Attack("engine-socket", "No socket of a container engine is there.", ("privileges", "engine_socket"), refused),
    Attack(
        "links",
        "Links in a repository lead to no file of the machine, whose store they name.",
        ("checkout", "links"),
        refused,
    ),
    Attack(
        "compose",
        "A compose file, a Dockerfile and an .env in a repository are not acted on.",
        ("checkout", "compose"),
        unheeded,
    ),
    Attack(
        "names",
        "Names of cards and folders that hold commands, `..` or too much are no more than names.",
        ("checkout", "names"),
        unheeded,
    ),
    Attack(
        "outside", "Nothing outside this machine is reached.", ("network", "outside"), unreached(lambda g: g.outside)
    ),
    Attack(
        "metadata",
        "The addresses at which clouds hand out credentials are not reached.",
        ("network", "metadata"),
        unreached(lambda g: g.metadata),
    ),
    Attack(
        "names-outside",
        "No name but a sibling's is looked up, so that none carries data away.",
        ("network", "names"),
        unreached(lambda g: g.resolvers),
    ),
    Attack(
        "datagrams",
        "No packet leaves the sandbox's own network, not even one that needs no answer.",
        ("network", "datagrams"),
        refused,
    ),
    Attack(
        "host",
        "No service of this machine is reached, at whatever address it listens.",
        ("network", "host"),
        unreached(lambda g: g.host),
    ),
    Attack(
        "neighbours",
        "Services of another sandbox are not reached, inside its network or at their published ports.",
        ("network", "neighbours"),
        unreached(lambda g: g.neighbours),
    ),
    Attack(
        "forks",
        "A fork bomb is held to the limit of processes, and other sandboxes go on as fast as before.",
        ("bombs", "forks"),
        bounded("processes", lambda g: g.processes),
        is_bomb=True,
    ),
    Attack(
        "memory",
        "What takes memory beyond the limit is killed, and other sandboxes go on as fast as before.",
        ("bombs", "memory"),
        bounded("bytes of memory", lambda g: g.memory),
        is_bomb=True,
    ),
    Attack(
        "disk",
        "What is written stays below the limit of memory, on no disk, and other sandboxes go on as fast as before.",
        ("bombs", "disk"),
        bounded("bytes in files", lambda g: g.memory),
        is_bomb=True,
    ),
    Attack(
        "log",
        "Of a flood of log a fixed size is kept, and other sandboxes go on as fast as before.",
        ("bombs", "log"),
        kept_log,
        is_bomb=True,
    ),
)
