package import OTLP
package import Pipeline

/// The `enduser` processor in a pipeline of log records: they get the identities that the same processor finds out in a pipeline
/// of traces. A record of a known trace leaves at once, as does one of no trace; one of an unknown trace waits for it.
package final class EndUserLogs: TracesConsumer {
  private let processor: EndUserProcessor
  private let outlet: Int
  private let output: Batcher

  init(_ processor: EndUserProcessor, _ outlet: Int, output: Batcher) {
    self.processor = processor
    self.outlet = outlet
    self.output = output
  }

  package var refusal: Refusal? { output.refusal }

  package func consume(_ batch: SpanBatch, completion: @escaping @Sendable (Refusal?) -> Void) {
    processor.consumeLogs(batch, for: outlet)
    completion(nil)
  }
}
