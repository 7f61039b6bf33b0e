package import OTLP
package import Pipeline
package import SelfTelemetry

/// An exporter that gets requests as they may leave. It works on the thread that hands the request on; the other exporters of
/// the pipeline get theirs as it is.
package final class RewritingExporter: Exporter {
  private let exporter: any Exporter
  private let rewritings: Rewritings
  private let metrics: [Signal: ExporterMetrics]
  private let failing: FailureLog

  /// - Parameters:
  ///   - exporter: has not started.
  ///   - rewritings: what to change, at least one.
  ///   - signals: of the requests that it will get.
  ///   - registry: where the exporter's metrics go.
  ///   - log: the collector's log.
  package init(
    _ exporter: any Exporter, _ rewritings: Rewritings, signals: Set<Signal>, registry: MetricRegistry, log: Log
  ) {
    self.exporter = exporter
    self.rewritings = rewritings
    metrics = ExporterMetrics.shared(exporter: exporter.id, signals: signals, registry: registry)
    failing = FailureLog(
      "cannot rewrite, dropped", level: .error, exporter: exporter.id, itemsKey: "items", log: log)
  }

  package var id: String { exporter.id }
  package var isFull: Bool { exporter.isFull }
  package var blocksOnOverflow: Bool { exporter.blocksOnOverflow }
  package var needsIdentities: Bool { rewritings.needsIdentities }

  package func start() throws { try exporter.start() }

  @discardableResult
  package func export(_ request: EncodedRequest) -> Bool {
    do throws(RewritingFailure) {
      return exporter.export(try rewritings.apply(to: request))
    } catch {
      metrics[request.signal]?.sendFailed.add(request.itemCount)
      failing.failed(error.description, items: request.itemCount)
      request.settle()
      return true
    }
  }

  package func drain(until deadline: UInt64) { exporter.drain(until: deadline) }
}
