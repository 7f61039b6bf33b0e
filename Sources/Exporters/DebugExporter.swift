import Locks
package import OTLP
import Pipeline
package import SelfTelemetry

/// Shows requests to the operator, soon and on a thread of its own: what nobody reads holds nobody up. Made for looking,
/// not for machines: the form of the text is no promise, and what the reader is too slow for is left out.
package final class DebugExporter: Exporter {
  private struct Window {
    var start: UInt64 = 0
    var requests = 0
  }

  package let id: String
  private let configuration: DebugExporterConfiguration
  private let metrics: [Signal: ExporterMetrics]
  private let now: @Sendable () -> UInt64
  private let writer: TextWriter
  private let window = Locked(Window())

  /// An exporter that is ready.
  ///
  /// - Parameters:
  ///   - id: of the component.
  ///   - signals: of the requests that it will get.
  ///   - configuration: of the exporter.
  ///   - registry: where the exporter's metrics go.
  ///   - now: monotonic nanoseconds.
  ///   - write: takes the text of one request, whole lines; one call at a time, on the exporter's thread.
  package init(
    id: String, signals: Set<Signal> = [.traces], configuration: DebugExporterConfiguration, registry: MetricRegistry,
    now: @escaping @Sendable () -> UInt64 = MonotonicClock.now,
    write: @escaping @Sendable (String) -> Void = Log.writeToStandardError
  ) {
    self.id = id
    self.configuration = configuration
    metrics = ExporterMetrics.shared(exporter: id, signals: signals, registry: registry)
    self.now = now
    writer = TextWriter(write: write)
  }

  package func start() { writer.start() }

  @discardableResult
  package func export(_ request: EncodedRequest) -> Bool {
    if isShown() { writer.show(text(of: request)) }
    metrics[request.signal]?.sent.add(request.itemCount)
    request.settle()
    return true
  }

  package var isFull: Bool { false }

  package func drain(until deadline: UInt64) { writer.end(until: deadline) }

  private func isShown() -> Bool {
    let now = now()
    let number = window.withLock { window in
      if window.requests == 0 || now >= window.start + 1_000_000_000 { window = Window(start: now) }
      window.requests += 1
      return window.requests
    }
    guard number > configuration.samplingInitial else { return true }
    return configuration.samplingThereafter > 0
      && (number - configuration.samplingInitial) % configuration.samplingThereafter == 0
  }

  private func text(of request: EncodedRequest) -> String {
    var text = RequestText(request.signal)
    do throws(WireError) {
      try request.withContiguousBytes { bytes throws(WireError) in
        switch configuration.verbosity {
        case .basic: try text.summarize(bytes, items: request.itemCount)
        case .normal: try text.list(bytes)
        case .detailed: try text.describe(bytes)
        }
      }
    } catch {
      text.line("unreadable from here: \(error)")
    }
    return text.lines
  }
}
