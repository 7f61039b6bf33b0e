package import OTLP

extension EncodedRequest {
  /// The request as several ones of at most `maxSize` each, cut between spans (log records, metrics).
  ///
  /// Each piece repeats the resource and the scope of its spans; all of them together hold everything that the request
  /// held, unknown fields too. A span that alone is larger than `maxSize` gets a piece for itself, as does a metric with more
  /// data points than that.
  ///
  /// - Parameters:
  ///   - maxSize: more than 0, counted by `sizer`.
  ///   - sizer: `items` or `bytes`.
  /// - Returns: the pieces, in the order of the spans.
  /// - Throws: `WireError` when the bytes are not of the shape that all export requests share.
  package func split(maxSize: Int, sizer: QueueSizer) throws -> [EncodedRequest] {
    try withContiguousBytes { message in
      var splitter = RequestSplitter(signal: signal, maxSize: maxSize, sizer: sizer)
      return try splitter.split(message)
    }
  }

  /// Items (spans, log records, data points) in an encoded request; as many as are seen before bytes of another shape.
  package static func itemCount(of message: UnsafeRawBufferPointer, signal: Signal = .traces) -> Int {
    var count = 0
    try? forEachChild(of: message, number: 1) { resource throws(WireError) in
      try forEachChild(of: resource, number: 2) { scope throws(WireError) in
        try forEachChild(of: scope, number: 2) { item in count += itemCount(ofOne: item, signal: signal) }
      }
    }
    return count
  }

  /// What one span, log record or metric counts for.
  fileprivate static func itemCount(ofOne item: UnsafeRawBufferPointer, signal: Signal) -> Int {
    guard signal == .metrics else { return 1 }
    // A gauge, a sum, … are members of a oneof: the last one is the metric's.
    var member = 0
    var points = 0
    var reader = WireReader(item)
    while let field = (try? reader.next()) ?? nil {
      guard [5, 7, 9, 10, 11].contains(field.number), let data = field.bytes else { continue }
      if member != field.number { (member, points) = (field.number, 0) }
      try? forEachChild(of: data, number: 1) { _ in points += 1 }
    }
    return points
  }

  private static func forEachChild(
    of message: UnsafeRawBufferPointer, number: Int, _ body: (UnsafeRawBufferPointer) throws(WireError) -> Void
  ) throws(WireError) {
    var reader = WireReader(message)
    while let field = try reader.next() {
      if field.number == number, let content = field.bytes { try body(content) }
    }
  }
}

/// Cuts one request into pieces. Traces, logs and metrics have the same shape down to the item:
/// request.1 (per resource) → .2 (per scope) → .2 (item); what else a level holds is its header.
private struct RequestSplitter {
  private let signal: Signal
  private let maxSize: Int
  private let sizer: QueueSizer

  private var pieces: [EncodedRequest] = []
  // The piece that is being filled: its closed fields, the open resource and, within, the open scope.
  private var piece: [UInt8] = []
  private var resource: [UInt8] = []
  private var scope: [UInt8] = []
  private var items = 0
  private var hasItem = false
  // Whether the open resource and the open scope have something in this piece beside their headers.
  private var resourceIsUsed = false
  private var scopeIsUsed = false

  /// Tags and lengths of the two levels around the items, at most.
  private static let framing = 12

  init(signal: Signal, maxSize: Int, sizer: QueueSizer) {
    self.signal = signal
    self.maxSize = maxSize
    self.sizer = sizer
  }

  mutating func split(_ message: UnsafeRawBufferPointer) throws(WireError) -> [EncodedRequest] {
    let request = try Level(message, childNumber: 1)
    piece = request.header
    for child in request.children {
      let resourceLevel = try Level(child.content, childNumber: 2)
      resource = resourceLevel.header
      for child in resourceLevel.children {
        let scopeLevel = try Level(child.content, childNumber: 2)
        scope = scopeLevel.header
        for item in scopeLevel.children {
          let size = EncodedRequest.itemCount(ofOne: item.content, signal: signal)
          if hasItem, !hasRoom(for: item, counting: size) {
            closePiece()
            resource = resourceLevel.header
            scope = scopeLevel.header
          }
          scope.append(contentsOf: item.encoding)
          scopeIsUsed = true
          hasItem = true
          items += size
        }
        closeScope()
      }
      closeResource()
    }
    finishPiece()
    return pieces
  }

  private func hasRoom(for item: Level.Child, counting count: Int) -> Bool {
    switch sizer {
    case .bytes: piece.count + resource.count + scope.count + Self.framing + item.encoding.count <= maxSize
    case .items, .requests: count == 0 || items + count <= maxSize
    }
  }

  private mutating func closePiece() {
    if scopeIsUsed { closeScope() }
    if resourceIsUsed { closeResource() }
    finishPiece()
  }

  private mutating func closeScope() {
    resource.appendField(2, scope)
    scope = []
    scopeIsUsed = false
    resourceIsUsed = true
  }

  private mutating func closeResource() {
    piece.appendField(1, resource)
    resource = []
    resourceIsUsed = false
  }

  private mutating func finishPiece() {
    pieces.append(piece.withUnsafeBytes { EncodedRequest(copying: $0, signal: signal, itemCount: items) })
    piece = []
    items = 0
    hasItem = false
  }
}

/// The fields of one message, told apart: children of one number, and everything else.
private struct Level {
  struct Child {
    let content: UnsafeRawBufferPointer
    let encoding: UnsafeRawBufferPointer
  }

  private(set) var header: [UInt8] = []
  private(set) var children: [Child] = []

  init(_ message: UnsafeRawBufferPointer, childNumber: Int) throws(WireError) {
    var reader = WireReader(message)
    while let field = try reader.next() {
      if field.number == childNumber, let content = field.bytes {
        children.append(Child(content: content, encoding: field.encoding))
      } else {
        header.append(contentsOf: field.encoding)
      }
    }
  }
}
