/// What an attribute says.
enum AttributeValue {
  case string(String)
  case bool(Bool)
  case int(Int64)
  case double(Double)
  case strings([String])
}

extension MessageWriter {
  /// A `KeyValue`.
  mutating func attribute(_ field: Int, _ key: String, _ value: AttributeValue) {
    message(field) { pair in
      pair.string(1, key)
      pair.anyValue(2, value)
    }
  }

  /// An `AnyValue`.
  mutating func anyValue(_ field: Int, _ value: AttributeValue) {
    message(field) { any in
      switch value {
      case .string(let text): any.string(1, text)
      case .bool(let isTrue): any.varint(2, isTrue ? 1 : 0)
      case .int(let number): any.varint(3, Int(number))
      case .double(let number): any.double(4, number)
      case .strings(let texts):
        any.message(5) { array in
          for text in texts { array.anyValue(1, .string(text)) }
        }
      }
    }
  }
}

/// What stands around log records and metrics: who says this.
struct Envelope {
  private let resource: [UInt8]
  private let scope: [UInt8]

  /// - Parameter version: the collector's.
  init(version: String) {
    var resource = MessageWriter()
    resource.attribute(1, "service.name", .string("heirloom"))
    resource.attribute(1, "service.version", .string(version))
    self.resource = resource.bytes
    var scope = MessageWriter()
    scope.string(1, "heirloom/sessions")
    scope.string(2, version)
    self.scope = scope.bytes
  }

  /// An `ExportLogsServiceRequest` of log records, or an `ExportMetricsServiceRequest` of metrics: they have one shape.
  func request(_ items: some Sequence<[UInt8]>) -> [UInt8] {
    var request = MessageWriter()
    request.message(1) { ofResource in
      ofResource.message(1, resource)
      ofResource.message(2) { ofScope in
        ofScope.message(1, scope)
        for item in items { ofScope.message(2, item) }
      }
    }
    return request.bytes
  }
}
