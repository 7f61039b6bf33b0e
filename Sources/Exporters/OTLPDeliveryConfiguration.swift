package import Pipeline

/// What becomes of requests until the server has them: the same for every OTLP exporter.
package struct OTLPDeliveryConfiguration: Sendable {
  package var sendingQueue = SendingQueueConfiguration()
  package var retryOnFailure = RetryConfiguration()
  /// For what the server refuses for good. Without a path it is dropped.
  package var deadLetter = DeadLetterConfiguration()

  package init() {}
}
