"""All tools there are."""

from orket_pipelines.agents.tools.ask_to_be_excused import ASK_TO_BE_EXCUSED
from orket_pipelines.agents.tools.card_context import CARD_CONTEXT
from orket_pipelines.agents.tools.comment import COMMENT
from orket_pipelines.agents.tools.create_issue import CREATE_ISSUE
from orket_pipelines.agents.tools.delete_file import DELETE_FILE
from orket_pipelines.agents.tools.edit_file import EDIT_FILE
from orket_pipelines.agents.tools.list_files import LIST_FILES
from orket_pipelines.agents.tools.model import Tool
from orket_pipelines.agents.tools.nominate_card import NOMINATE_CARD
from orket_pipelines.agents.tools.read_file import READ_FILE
from orket_pipelines.agents.tools.report_bug import REPORT_BUG
from orket_pipelines.agents.tools.request_state import REQUEST_STATE
from orket_pipelines.agents.tools.run_command import RUN_COMMAND
from orket_pipelines.agents.tools.run_tests import RUN_TESTS
from orket_pipelines.agents.tools.sandbox_logs import SANDBOX_LOGS
from orket_pipelines.agents.tools.sandbox_status import SANDBOX_STATUS
from orket_pipelines.agents.tools.search import SEARCH
from orket_pipelines.agents.tools.server_output import SERVER_OUTPUT
from orket_pipelines.agents.tools.start_server import START_SERVER
from orket_pipelines.agents.tools.stop_server import STOP_SERVER
from orket_pipelines.agents.tools.submit_guidance import SUBMIT_GUIDANCE
from orket_pipelines.agents.tools.submit_review import SUBMIT_REVIEW
from orket_pipelines.agents.tools.write_file import WRITE_FILE

TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        READ_FILE,
        WRITE_FILE,
        EDIT_FILE,
        DELETE_FILE,
        LIST_FILES,
        SEARCH,
        RUN_COMMAND,
        RUN_TESTS,
        START_SERVER,
        SERVER_OUTPUT,
        STOP_SERVER,
        CARD_CONTEXT,
        COMMENT,
        CREATE_ISSUE,
        NOMINATE_CARD,
        REPORT_BUG,
        SANDBOX_STATUS,
        SANDBOX_LOGS,
        REQUEST_STATE,
        ASK_TO_BE_EXCUSED,
        SUBMIT_REVIEW,
        SUBMIT_GUIDANCE,
    )
}
"""By name."""
