/// Random OTLP messages with every field that OTLP has: what telemetry could look like, not what it does.
package struct RandomTelemetry {
  package var random: SeededGenerator

  package init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
  }

  /// A span. The ids and attributes are the caller's; a few attributes are added, everything else is random.
  package mutating func span(
    traceID: [UInt8], id: [UInt8], parentID: [UInt8] = [], attributes: [WireMessage] = [], name: String? = nil
  ) -> WireMessage {
    var span = WireMessage()
    span.set(1, .bytes(traceID))
    span.set(2, .bytes(id))
    if chance() { span.set(3, .bytes(Array("vendor=1,other=ü".utf8))) }
    if !parentID.isEmpty { span.set(4, .bytes(parentID)) }
    if let name { span.set(5, .bytes(Array(name.utf8))) } else if chance() { span.set(5, text()) }
    if chance() { span.set(6, .varint(.random(in: 0...6, using: &random))) }
    if chance() { span.set(7, .fixed64(.random(in: 0 ... .max, using: &random))) }
    if chance() { span.set(8, .fixed64(.random(in: 0 ... .max, using: &random))) }
    for attribute in attributes + self.attributes() { span.add(9, .message(attribute)) }
    if chance() { span.set(10, .varint(.random(in: 0...UInt64(UInt32.max), using: &random))) }
    for _ in 0..<count() { span.add(11, .message(event())) }
    if chance() { span.set(12, .varint(1)) }
    for _ in 0..<count() { span.add(13, .message(link())) }
    if chance() { span.set(14, .varint(1)) }
    if chance() { span.set(15, .message(status())) }
    if chance() { span.set(16, .fixed32([0, 1, 0x100, 0x101, 0x300, 0x301].randomElement(using: &random)!)) }
    return span
  }

  /// An `ExportTraceServiceRequest` that holds the spans in their order, under random resources and scopes.
  package mutating func request(_ spans: [WireMessage], scopes names: [String] = ["app", "neatlogs.sdk"]) -> WireMessage
  {
    var request = WireMessage()
    var rest = spans[...]
    repeat {
      var resourceSpans = WireMessage()
      if chance() { resourceSpans.set(1, .message(resource())) }
      for _ in 0..<Int.random(in: 0...2, using: &random) {
        var scopeSpans = WireMessage()
        if chance() { scopeSpans.set(1, .message(scope(names.randomElement(using: &random)!))) }
        let taken = rest.prefix(.random(in: 0...4, using: &random))
        rest = rest.dropFirst(taken.count)
        for span in taken { scopeSpans.add(2, .message(span)) }
        if chance() { scopeSpans.set(3, text()) }
        resourceSpans.add(2, .message(scopeSpans))
      }
      if chance() { resourceSpans.set(3, text()) }
      request.add(1, .message(resourceSpans))
    } while !rest.isEmpty
    return request
  }

  /// A `KeyValue`.
  package static func attribute(_ key: String, _ value: WireMessage) -> WireMessage {
    var pair = WireMessage()
    pair.set(1, .bytes(Array(key.utf8)))
    pair.set(2, .message(value))
    return pair
  }

  /// An `AnyValue` that holds a string.
  package static func string(_ text: String) -> WireMessage {
    var value = WireMessage(isOneof: true)
    value.set(1, .bytes(Array(text.utf8)))
    return value
  }

  /// An `AnyValue` of any kind, or of several of which the last counts.
  package mutating func anyValue(depth: Int = 0) -> WireMessage {
    var value = WireMessage(isOneof: true)
    if random.once(in: 30) { value.set(8, .varint(3)) }
    for _ in 0..<[1, 1, 1, 1, 0, 2].randomElement(using: &random)! {
      switch Int.random(in: 1...(depth < 3 ? 7 : 4), using: &random) {
      case 1: value.set(1, text())
      case 2: value.set(2, .varint([0, 1, 1, 2].randomElement(using: &random)!))
      case 3: value.set(3, .varint(.random(in: 0 ... .max, using: &random)))
      case 4: value.set(4, .fixed64(Double.random(in: -1e9...1e9, using: &random).bitPattern))
      case 5:
        var array = WireMessage()
        for _ in 0..<count() { array.add(1, .message(anyValue(depth: depth + 1))) }
        value.set(5, .message(array))
      case 6:
        var list = WireMessage()
        for _ in 0..<count() { list.add(1, .message(Self.attribute(key(), anyValue(depth: depth + 1)))) }
        value.set(6, .message(list))
      default: value.set(7, .bytes(random.bytes(.random(in: 0..<30, using: &random))))
      }
    }
    return value
  }

  private mutating func attributes() -> [WireMessage] {
    (0..<count()).map { _ in
      var pair = WireMessage()
      if !random.once(in: 20) { pair.set(1, .bytes(Array(key().utf8))) }
      if !random.once(in: 20) { pair.set(2, .message(anyValue())) }
      if random.once(in: 20) { pair.set(3, .varint(5)) }
      return pair
    }
  }

  private mutating func event() -> WireMessage {
    var event = WireMessage()
    if chance() { event.set(1, .fixed64(.random(in: 0 ... .max, using: &random))) }
    if chance() { event.set(2, text()) }
    for attribute in attributes() { event.add(3, .message(attribute)) }
    if chance() { event.set(4, .varint(3)) }
    return event
  }

  private mutating func link() -> WireMessage {
    var link = WireMessage()
    if chance() { link.set(1, .bytes(random.bytes(16))) }
    if chance() { link.set(2, .bytes(random.bytes(8))) }
    if chance() { link.set(3, text()) }
    for attribute in attributes() { link.add(4, .message(attribute)) }
    if chance() { link.set(5, .varint(2)) }
    if chance() { link.set(6, .fixed32(0x301)) }
    return link
  }

  private mutating func status() -> WireMessage {
    var status = WireMessage()
    if chance() { status.set(2, text()) }
    if chance() { status.set(3, .varint(.random(in: 0...2, using: &random))) }
    return status
  }

  private mutating func scope(_ name: String) -> WireMessage {
    var scope = WireMessage()
    if chance() { scope.set(1, .bytes(Array(name.utf8))) }
    if chance() { scope.set(2, text()) }
    for attribute in attributes() { scope.add(3, .message(attribute)) }
    if chance() { scope.set(4, .varint(7)) }
    return scope
  }

  private mutating func resource() -> WireMessage {
    var resource = WireMessage()
    for attribute in attributes() { resource.add(1, .message(attribute)) }
    if chance() { resource.set(2, .varint(1)) }
    for _ in 0..<count() {
      var entity = WireMessage()
      if chance() { entity.set(1, text()) }
      if chance() { entity.set(2, text()) }
      for _ in 0..<count() { entity.add(3, text()) }
      for _ in 0..<count() { entity.add(4, text()) }
      resource.add(3, .message(entity))
    }
    return resource
  }

  private mutating func key() -> String {
    [
      "", "k", "service.name", "plain.key", "http.request.method", "schlüssel", "tag.color", "tag", "neatlogs.kind",
      "naïve",
    ].randomElement(using: &random)!
  }

  private mutating func text() -> WireMessage.Value {
    .bytes(
      Array(
        ["", "a", "tag.color", "grüße 你好 😀", String(repeating: "long ", count: 60)]
          .randomElement(using: &random)!.utf8))
  }

  private mutating func count() -> Int { [0, 0, 1, 2].randomElement(using: &random)! }

  private mutating func chance() -> Bool { !random.once(in: 3) }
}
