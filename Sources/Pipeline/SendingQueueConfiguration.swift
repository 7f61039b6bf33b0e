package import OTLP

/// What a size is counted in.
package enum QueueSizer: String, Sendable, CaseIterable {
  case requests, items, bytes

  /// The size of `request` in this unit.
  package func size(of request: EncodedRequest) -> Int {
    size(items: request.itemCount, bytes: request.byteCount)
  }

  /// The size of one request with so many items and bytes.
  func size(items: Int, bytes: Int) -> Int {
    switch self {
    case .requests: 1
    case .items: items
    case .bytes: bytes
    }
  }
}

/// `sending_queue` of an exporter, with the Collector's keys and defaults.
package struct SendingQueueConfiguration: Sendable, Equatable {
  /// Without a queue, nothing waits behind the requests under way: what finds no free consumer is refused.
  package var enabled = true
  /// Requests under way at once.
  package var numConsumers = 10
  /// What the queue holds at most, counted by `sizer`, with all that is under way or waits for a retry. Nil: 1000, or no
  /// such bound for a queue that can be stored.
  package var queueSize: Int?
  package var sizer = QueueSizer.requests
  /// Whether the pipeline waits for this queue when it is full, instead of going on without it. That makes a slow
  /// destination everybody's problem.
  package var blockOnOverflow = false
  /// Bytes that the queue holds in memory at most, in MiB, whatever `sizer` says.
  package var maxMebibytes = 512
  /// Requests travel as they came unless this is set.
  package var batch: BatchConfiguration?

  package init() {}

  func limits(isDurable: Bool) -> QueueLimits {
    QueueLimits(
      sizer: enabled ? sizer : .requests,
      size: enabled ? queueSize ?? (isDurable ? .max : 1000) : numConsumers,
      bytes: min(maxMebibytes, 1 << 40) << 20)
  }

  /// Whether a bound by count was asked for, past which requests are refused.
  var isBoundByCount: Bool { !enabled || queueSize != nil }
}

/// `sending_queue::batch`: consecutive requests are merged before they leave.
package struct BatchConfiguration: Sendable, Equatable {
  /// How long the oldest request waits for others.
  package var flushTimeout = Duration.milliseconds(200)
  /// A batch leaves when it has reached this size.
  package var minSize = 8192
  /// No batch is larger; larger requests are split between their spans. 0 for no limit.
  package var maxSize = 0
  /// `items` or `bytes`.
  package var sizer = QueueSizer.items

  package init() {}
}

/// The two bounds of a queue.
package struct QueueLimits: Sendable, Equatable {
  package let sizer: QueueSizer
  /// Counted by `sizer`; `Int.max` for no such bound.
  package let size: Int
  package let bytes: Int

  package init(sizer: QueueSizer, size: Int, bytes: Int) {
    self.sizer = sizer
    self.size = size
    self.bytes = bytes
  }
}
