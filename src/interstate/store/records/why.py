"""Ways to read what others wrote, for those who ask why."""

from interstate.store.records.due import DUE
from interstate.store.records.events import ATTEMPTS, LOG
from interstate.store.records.sqs import MESSAGES
from interstate.store.records.states import EXECUTIONS
from interstate.store.tables import Select

LOG_BACK = Select(LOG, "id < :below", "id DESC")
LOG_OF_BUS_BACK = Select(LOG, "bus = :bus AND id < :below", "id DESC")
LOG_FROM = Select(LOG, "id >= :first", "id")
ATTEMPTS_FROM = Select(ATTEMPTS, "id >= :first", "id")
ATTEMPTS_BACK = Select(ATTEMPTS, "id < :below", "id DESC")
EXECUTIONS_BACK = Select(EXECUTIONS, "id < :below", "id DESC")
DUE_FROM = Select(DUE, "lane >= :lane", "lane, due_at, id")
MESSAGES_BACK = Select(MESSAGES, "id < :below", "id DESC")
