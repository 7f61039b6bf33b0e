"""An answer and its scores, all by Langfuse's SDK. Prints the ids, and what the SDK's log said of scores that are refused."""

import json
import logging
from datetime import UTC, datetime

from langfuse import Langfuse, propagate_attributes


class Heard(logging.Handler):
    def __init__(self):
        super().__init__(logging.ERROR)
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


heard = Heard()
logging.getLogger("langfuse").addHandler(heard)
client = Langfuse(environment="staging")

# Before there is anything to score.
early = client.create_trace_id(seed="early")
client.create_score(trace_id=early, name="early", value=3, score_id="early-1")
client.flush()

with propagate_attributes(user_id="lena", session_id="letters"):
    with client.start_as_current_observation(name="write", as_type="agent") as root:
        with client.start_as_current_observation(name="answer", as_type="generation", model="gpt-4o") as answer:
            client.score_current_span(name="exact", value=1, data_type="BOOLEAN")
            answer.score(name="tone", value="dry", data_type="CATEGORICAL", comment="no smile", metadata={"by": ["x", 1]})
            client.score_current_trace(name="helpful", value=0.25, score_id="helpful-1")
        when = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
        root.score_trace(name="review", value="Too long by half.", data_type="TEXT", timestamp=when)
    with client.start_as_current_observation(name="late", trace_context={"trace_id": early}):
        pass

# The same again, as somebody does who has changed his mind.
client.flush()
client.create_score(trace_id=root.trace_id, name="helpful", value=0.75, score_id="helpful-1")
client.create_score(session_id="letters", name="happy", value=5)
client.flush()
client.create_score(dataset_run_id="run-1", name="nobody's", value=1)
client.create_score(trace_id="cdef-1234", name="nobody's", value=1)
client.create_score(session_id="letters", name="polite", value=4)

client.shutdown()
ids = {"trace": root.trace_id, "root": root.id, "answer": answer.id, "early": early}
print(json.dumps({**ids, "heard": heard.lines}))
