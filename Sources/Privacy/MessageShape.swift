/// The messages of OTLP that hold something which somebody wrote.
enum MessageShape {
  case resource, scope, entity
  case span, event, link, status
  case logRecord
  case metric, numbers, histograms, exponentials, summaries, number, histogram, exponential, summary, exemplar

  enum Field {
    /// Says nothing about anybody.
    case plain
    case text
    /// A `KeyValue`.
    case attribute
    /// The body of a log record: an `AnyValue`.
    case body
    case message(MessageShape)
    /// Of a later version of the protocol.
    case unknown
  }

  func field(_ number: Int) -> Field {
    switch (self, number) {
    case (.resource, 1): .attribute
    case (.resource, 3): .message(.entity)
    case (.entity, 1...4): .text
    case (.scope, 1), (.scope, 2): .text
    case (.scope, 3): .attribute

    case (.span, 1), (.span, 2), (.span, 4): .plain
    case (.span, 3), (.span, 5): .text
    case (.span, 9): .attribute
    case (.span, 11): .message(.event)
    case (.span, 13): .message(.link)
    case (.span, 15): .message(.status)
    case (.event, 2): .text
    case (.event, 3): .attribute
    case (.link, 1), (.link, 2): .plain
    case (.link, 3): .text
    case (.link, 4): .attribute
    case (.status, 2): .text

    case (.logRecord, 3), (.logRecord, 12): .text
    case (.logRecord, 5): .body
    case (.logRecord, 6): .attribute
    case (.logRecord, 9), (.logRecord, 10): .plain

    case (.metric, 1...3): .text
    case (.metric, 5), (.metric, 7): .message(.numbers)
    case (.metric, 9): .message(.histograms)
    case (.metric, 10): .message(.exponentials)
    case (.metric, 11): .message(.summaries)
    case (.metric, 12): .attribute
    case (.numbers, 1): .message(.number)
    case (.histograms, 1): .message(.histogram)
    case (.exponentials, 1): .message(.exponential)
    case (.summaries, 1): .message(.summary)
    case (.number, 7), (.histogram, 9), (.exponential, 1), (.summary, 7), (.exemplar, 7): .attribute
    case (.number, 5), (.histogram, 8), (.exponential, 11): .message(.exemplar)
    case (.histogram, 6), (.histogram, 7), (.exponential, 8), (.exponential, 9), (.summary, 6): .plain
    case (.exemplar, 4), (.exemplar, 5): .plain
    default: .unknown
    }
  }
}
