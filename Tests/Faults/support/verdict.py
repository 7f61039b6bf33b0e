"""The comparison of what was acknowledged with what arrived."""

from dataclasses import dataclass

# Of the spans that arrived, the share that may arrive twice: what is on its way when a process is killed is sent again.
DUPLICATES_PERCENT = 5


def nothing(trace):
    """Excuses nothing: see `judge`."""
    return 0


def owed(ledger, board, rooted=False, excused=nothing):
    """The traces of which acknowledged spans have not arrived; with `rooted`, those whose root was acknowledged."""
    roots = ledger.root_acknowledged
    traces = (trace for trace in range(ledger.traces) if not rooted or roots[trace] and not excused(trace) & 1)
    return still_owed(traces, ledger, board, excused)


def still_owed(traces, ledger, board, excused=nothing):
    """Those of these traces."""
    acknowledged, arrived = ledger.acknowledged, board.arrived
    missing = (trace for trace in traces if acknowledged[trace] & ~arrived[trace])
    return [trace for trace in missing if acknowledged[trace] & ~arrived[trace] & ~excused(trace)]


@dataclass
class Verdict:
    """Numbers of spans."""

    acknowledged: int = 0
    arrived: int = 0  # each once
    lost: int = 0  # acknowledged, and did not arrive
    duplicates: int = 0  # second arrivals
    foreign: int = 0  # arrived, and were never sent
    harmed: int = 0  # arrived otherwise than they were sent
    judged: int = 0  # arrived, of traces whose root came in time: they must have its user
    wrong_identity: int = 0  # of these, those that had another user, or none
    unacknowledged: int = 0  # arrived although no 200 was received for them, which is no fault

    @property
    def duplicates_percent(self):
        return round(100 * self.duplicates / max(1, self.arrived), 2)

    def faults(self, duplicates_percent=DUPLICATES_PERCENT):
        """What of the promise was broken, in words."""
        found = []
        if self.lost:
            found.append(f"{self.lost} acknowledged spans are lost")
        if self.foreign:
            found.append(f"{self.foreign} spans arrived that were never sent")
        if self.harmed:
            found.append(f"{self.harmed} spans arrived otherwise than they were sent")
        if self.wrong_identity:
            found.append(f"{self.wrong_identity} spans have another identity than their trace's root")
        if self.duplicates_percent > duplicates_percent:
            found.append(f"{self.duplicates_percent} % of the spans arrived twice, more than {duplicates_percent} %")
        return found


def judge(ledger, board, root_wait, excused=nothing):
    """`root_wait` in seconds: a root that was acknowledged later than this after its trace's first span may have come
    too late. `excused(trace)` is a mask of spans that may be missing; without its root a trace need not have its
    user."""
    result = Verdict(duplicates=board.duplicates, foreign=board.foreign, harmed=board.harmed)
    for trace in range(ledger.traces):
        acknowledged, arrived, sent = ledger.acknowledged[trace], board.arrived[trace], ledger.sent[trace]
        result.acknowledged += acknowledged.bit_count()
        result.arrived += arrived.bit_count()
        if acknowledged != arrived:
            result.lost += (acknowledged & ~arrived & ~excused(trace)).bit_count()
            result.foreign += (arrived & ~sent).bit_count()
            result.unacknowledged += (arrived & ~acknowledged).bit_count()
        root = ledger.root_acknowledged[trace]
        in_time = root and root - ledger.first_tried[trace] < root_wait and not excused(trace) & 1
        # A root that was not acknowledged may have arrived: then its trace has its user, and otherwise none.
        if in_time:
            result.judged += arrived.bit_count()
            result.wrong_identity += board.misnamed[trace].bit_count()
    # Spans of traces that never began.
    result.foreign += sum(board.arrived[trace].bit_count() for trace in range(ledger.traces, min(ledger.traces + 1000, len(board.arrived))))
    return result
