package import OTLP

/// Why a trace left without an end user.
package enum Unattributed: String, CaseIterable, Sendable {
  /// Its root named nobody, and no other span did in time.
  case anonymousRoot = "anonymous_root"
  /// No root came in time.
  case rootWait = "root_wait"
  case maxTraces = "max_traces"
  case maxSpansPerTrace = "max_spans_per_trace"
  case maxBufferedMiB = "max_buffered_mib"
  case shutdown
}

/// What a resolved trace is worth telling.
package struct Resolution: Sendable {
  package let traceID: TraceID
  /// The end user, and the session, as text; nil where there is none.
  package let endUser: String?
  package let session: String?
  /// Spans that waited or came with the root.
  package let spans: Int
  /// Nanoseconds from the trace's first span to now.
  package let waited: UInt64
  /// Set when there is no end user.
  package let unattributed: Unattributed?
}

/// Spans that leave: those of one trace that waited, and those that a request just brought.
struct Emission {
  let trace: TraceID
  var identity: Identity?
  /// Owned: whoever writes the spans frees it.
  var waiting = WaitingChain()
  /// The first of the request's spans that leave, as its `RequestSpans` link them; -1 for none.
  var direct: Int32 = -1
  var resolution: Resolution?
}
