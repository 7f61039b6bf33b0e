/// A finished span with room for what differs: ids, times and, where it has one, the identity.
struct SpanTemplate {
  /// Where the span starts in the templates' memory.
  var start = 0
  var count = 0
  /// Offsets from the span's start; a root has no `parentID`.
  var parentID: Int?
  var startTime = 0
  var endTime = 0
  /// Offsets of the texts of `Identity.Part`s; nil on spans without identity.
  var identity: (id: Int, metadata: Int, session: Int)?

  /// The ids are the first fields.
  static let traceID = 2
  static let spanID = 20
}

/// All spans that traffic is made of, encoded once.
final class SpanTemplates: @unchecked Sendable {
  // Sendable: nothing changes after init.
  let variants: Int
  /// The spans' bytes, one after the other.
  let memory: UnsafeRawBufferPointer
  /// By `variant * 10 + position`.
  let templates: UnsafeBufferPointer<SpanTemplate>

  init(_ traffic: Traffic) {
    variants = traffic.shape.variants
    var bytes: [UInt8] = []
    var templates: [SpanTemplate] = []
    for variant in 0..<variants {
      for position in 0..<Numbering.spansPerTrace {
        let (span, template) = Self.build(SpanKind(position: position), variant: variant, traffic: traffic)
        var placed = template
        placed.start = bytes.count
        templates.append(placed)
        bytes += span
      }
    }
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
    memory.copyBytes(from: bytes)
    self.memory = UnsafeRawBufferPointer(memory)
    let table = UnsafeMutableBufferPointer<SpanTemplate>.allocate(capacity: templates.count)
    _ = table.initialize(from: templates)
    self.templates = UnsafeBufferPointer(table)
  }

  deinit {
    memory.deallocate()
    templates.deallocate()
  }

  @inline(__always)
  subscript(variant: Int, position: Int) -> SpanTemplate {
    templates[variant * Numbering.spansPerTrace + position]
  }

  var largestSpan: Int {
    templates.lazy.map(\.count).max() ?? 0
  }

  /// Encodes a span twice: with no text to see how long it is, then with as much text as the shape leaves room for.
  private static func build(_ kind: SpanKind, variant: Int, traffic: Traffic) -> ([UInt8], SpanTemplate) {
    let seed = traffic.seed &+ UInt64(variant * Numbering.spansPerTrace + kind.position)
    func encode(textBytes: Int) -> ([UInt8], SpanTemplate) {
      var words = Words(seed: seed)
      let attributes = kind.attributes(words: &words, textBytes: textBytes)
      return encodeSpan(kind, attributes: attributes, traffic: traffic)
    }
    let bare = encode(textBytes: 0).0.count
    // The identity that a sink's test puts on every span comes on top, as it does behind a collector.
    let added = traffic.identityEverywhere && !kind.isRoot ? identityFields(kind, traffic: traffic).count : 0
    return encode(textBytes: max(0, traffic.shape.spanBytes - (bare - added)))
  }

  private static func encodeSpan(
    _ kind: SpanKind, attributes: [Attribute], traffic: Traffic
  ) -> ([UInt8], SpanTemplate) {
    var template = SpanTemplate()
    var writer = ProtobufWriter()
    writer.field(1, bytes: [UInt8](repeating: 0, count: 16))
    writer.field(2, bytes: [UInt8](repeating: 0, count: 8))
    if !kind.isRoot {
      writer.field(4, bytes: [UInt8](repeating: 0, count: 8))
      template.parentID = writer.bytes.count - 8
    }
    writer.field(5, string: kind.name)
    writer.field(6, varint: kind.otlpKind)
    writer.field(7, fixed64: 0)
    template.startTime = writer.bytes.count - 8
    writer.field(8, fixed64: 0)
    template.endTime = writer.bytes.count - 8
    let dropped = traffic.fault == .attributeLost && kind.position == 5 ? 1 : 0
    for attribute in attributes.dropFirst(dropped) {
      writer.field(9, bytes: attribute.encoded(valueFirst: traffic.valueFirst))
    }
    var span = writer.bytes
    if kind.isRoot || traffic.identityEverywhere {
      let fields = identityFields(kind, traffic: traffic)
      template.identity = identityOffsets(in: fields, from: span.count)
      span += fields
    }
    var end = ProtobufWriter()
    end.field(15) { $0.field(3, varint: 1) }
    // Sampled, and known to have a parent of the same process.
    end.field(16, fixed32: 0x101)
    span += end.bytes
    template.count = span.count
    return (span, template)
  }

  /// The identity's attributes as fields of a span, with the patterns as values.
  private static func identityFields(_ kind: SpanKind, traffic: Traffic) -> [UInt8] {
    var writer = ProtobufWriter()
    func append(_ part: Identity.Part) {
      let attribute = Attribute(part.key.description, part.pattern.description)
      writer.field(9, bytes: attribute.encoded(valueFirst: traffic.valueFirst))
    }
    Identity.Part.allCases.forEach(append)
    if traffic.fault == .identityTwice && kind.position == 2 { append(.id) }
    return writer.bytes
  }

  private static func identityOffsets(in fields: [UInt8], from base: Int) -> (id: Int, metadata: Int, session: Int) {
    func offset(_ part: Identity.Part) -> Int {
      guard let range = fields.firstRange(of: Array(part.pattern.description.utf8)) else {
        preconditionFailure("an identity's fields hold its patterns")
      }
      return base + range.lowerBound
    }
    return (offset(.id), offset(.metadata), offset(.session))
  }
}
